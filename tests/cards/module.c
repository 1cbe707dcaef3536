/* A PKCS#11 module that misbehaves: SoftHSM with some functions exchanged, as CARD_MISCHIEF says (words, commas between).
 * Every C_Login is written to the file CARD_LOGINS, one line each, so that tests can count tries; every signature to the file
 * CARD_SIGNS, with the nanoseconds it took. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef unsigned long ulong_t;
typedef ulong_t (*call)();

/* CK_FUNCTION_LIST of version 2.40: the version, then these many functions. */
struct list { unsigned char version[2]; call function[68]; };
enum { INITIALIZE = 0, SLOT_LIST = 4, TOKEN = 6, MECHANISMS = 7, LOGIN = 18, SIGN = 43 };

/* CK_TOKEN_INFO: four texts, then the flags. */
enum { TOKEN_FLAGS = 32 + 32 + 16 + 16 };
enum { PAD = 0x100, COUNT_LOW = 0x10000, FINAL_TRY = 0x20000, PIN_LOCKED = 0x40000 };

static struct list *real, ours;

static int does(const char *word) {
  const char *all = getenv("CARD_MISCHIEF");
  return all && strstr(all, word);
}

static void hang(void) { for (;;) pause(); }
static void crash(void) { *(volatile int *)8 = 1; }

static ulong_t initialize(void *args) {
  if (does("hang-initialize")) hang();
  return real->function[INITIALIZE](args);
}

static ulong_t slot_list(unsigned char present, ulong_t *slots, ulong_t *count) {
  if (does("crash-list")) crash();
  return real->function[SLOT_LIST](present, slots, count);
}

static ulong_t token(ulong_t slot, unsigned char *info) {
  ulong_t rv = real->function[TOKEN](slot, info), flags;
  memcpy(&flags, info + TOKEN_FLAGS, sizeof flags);
  if (does("pad")) flags |= PAD;
  if (does("few")) flags |= COUNT_LOW;
  if (does("last")) flags |= FINAL_TRY;
  if (does("blocked")) flags |= PIN_LOCKED;
  memcpy(info + TOKEN_FLAGS, &flags, sizeof flags);
  if (does("garbage-text")) memset(info, 0xff, 32);
  return rv;
}

/* Without anything that makes PSS signatures. */
static ulong_t mechanisms(ulong_t slot, ulong_t *list, ulong_t *count) {
  ulong_t rv = real->function[MECHANISMS](slot, list, count);
  if (rv == 0 && list && does("no-pss"))
    for (ulong_t i = 0; i < *count; i++)
      if (list[i] == 0x0d || (list[i] >= 0x43 && list[i] <= 0x45) || list[i] == 0x0e) list[i] = 0x01;
  return rv;
}

static ulong_t login(ulong_t session, ulong_t user, unsigned char *pin, ulong_t length) {
  const char *log = getenv("CARD_LOGINS");
  if (log) {
    FILE *file = fopen(log, "a");
    fprintf(file, "%s\n", pin ? "typed" : "pad");
    fclose(file);
  }
  if (does("hang-login")) hang();
  if (!pin) { /* a person types on the reader */
    const char *typed = getenv("CARD_PAD");
    if (!typed) return 0x50; /* CKR_FUNCTION_CANCELED */
    if (!strcmp(typed, "wait")) hang();
    return real->function[LOGIN](session, user, typed, strlen(typed));
  }
  return real->function[LOGIN](session, user, pin, length);
}

static ulong_t sign(ulong_t session, unsigned char *data, ulong_t length, unsigned char *out, ulong_t *room) {
  if (does("crash-sign")) crash();
  if (does("hang-sign")) hang();
  if (does("exit-sign")) _exit(3);
  if (does("garbage-length")) { *room = 1UL << 60; return 0; }
  if (does("slow-sign") && out) sleep(3);
  if (does("shout-sign")) { printf("a module's own words\n"); fflush(stdout); }
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  ulong_t rv = real->function[SIGN](session, data, length, out, room);
  clock_gettime(CLOCK_MONOTONIC, &to);
  const char *log = getenv("CARD_SIGNS");
  if (log && out && rv == 0) {
    FILE *file = fopen(log, "a");
    fprintf(file, "%lld\n", (to.tv_sec - from.tv_sec) * 1000000000LL + to.tv_nsec - from.tv_nsec);
    fclose(file);
  }
  return rv;
}

/* What a module can reach from where it runs. */
static void look_around(const char *report) {
  FILE *file = fopen(report, "w");
  struct rlimit core;
  getrlimit(RLIMIT_CORE, &core);
  fprintf(file, "internet %d\n", socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_INET6, SOCK_DGRAM, 0) >= 0);
  fprintf(file, "netlink %d\n", socket(AF_NETLINK, SOCK_RAW, 0) >= 0);
  fprintf(file, "local %d\n", socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
  fprintf(file, "core %lu\n", (unsigned long)core.rlim_max);
  fprintf(file, "dumpable %d\n", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
  fprintf(file, "privileges %d\n", !prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  char *none[] = {"true", 0};
  int child = fork();
  if (child == 0) { execv("/bin/true", none); _exit(errno == EACCES ? 0 : 1); }
  int status = 1;
  extern int waitpid(int, int *, int);
  waitpid(child, &status, 0);
  fprintf(file, "programs %d\n", status != 0);
  DIR *open = opendir("/proc/self/fd");
  for (struct dirent *one; (one = readdir(open));) {
    char path[300], to[300] = {0};
    snprintf(path, sizeof path, "/proc/self/fd/%s", one->d_name);
    if (one->d_name[0] != '.' && readlink(path, to, sizeof to - 1) > 0) fprintf(file, "open %s %s\n", one->d_name, to);
  }
  closedir(open);
  fclose(file);
}

ulong_t C_GetFunctionList(struct list **list) {
  const char *report = getenv("CARD_REPORT"), *behind = getenv("CARD_BEHIND");
  if (report) look_around(report);
  void *library = dlopen(behind, RTLD_NOW | RTLD_LOCAL);
  call start = library ? (call)dlsym(library, "C_GetFunctionList") : 0;
  if (!start || start(&real)) return 5; /* CKR_GENERAL_ERROR */
  ours = *real;
  ours.function[INITIALIZE] = (call)initialize;
  ours.function[SLOT_LIST] = (call)slot_list;
  ours.function[TOKEN] = (call)token;
  ours.function[MECHANISMS] = (call)mechanisms;
  ours.function[LOGIN] = (call)login;
  ours.function[SIGN] = (call)sign;
  *list = &ours;
  return 0;
}
