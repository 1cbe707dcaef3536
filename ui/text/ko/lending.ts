// Korean: services of this machine and of others.
import type { lending as en } from "../en/lending";
import type { Translation } from "../join";

export const lending: Translation<typeof en> = {
  "lend.menu": "서비스를 쓰게 하기 …",
  "lend.title": "{name} 님이 이 컴퓨터의 서비스를 쓰게 하기",
  "lend.body": "이 컴퓨터에서 연결을 기다리는 프로그램(예: 작업 중인 웹 페이지)입니다. {name} 님만 hither를 통해 연결합니다.",
  "lend.name": "서비스 이름",
  "lend.name.hint": "{name} 님이 이 이름을 입력해 씁니다.",
  "lend.name.bad": "a–z, 0–9, - _ . 으로 1~32자, 띄어쓰기 없이 입력하세요.",
  "lend.port": "이 컴퓨터의 포트 (127.0.0.1)",
  "lend.port.bad": "1부터 65535까지의 숫자입니다.",
  "lend.long": "얼마 동안",
  "lend.closed": "이 대화가 끝날 때까지",
  "lend.hour": "한 시간 동안",
  "lend.day": "하루 동안",
  "lend.always": "거둘 때까지",
  "lend.once": "연결 한 번만",
  "lend.five": "연결 다섯 번까지",
  "lend.next": "이 창 밖에서 한 번 더 묻습니다.",
  "lend.go": "계속 …",
  "lend.done": "이제 {name} 님이 {service}을(를) 쓸 수 있습니다",
  "borrow.menu": "상대의 서비스 쓰기 …",
  "borrow.title": "{name} 님의 서비스 쓰기",
  "borrow.body": "서비스 이름은 {name} 님이 알려 줍니다. 이 대화가 끝날 때까지 이 컴퓨터의 프로그램이 여기 주소로 그 서비스에 연결합니다.",
  "borrow.name": "상대 쪽 서비스 이름",
  "borrow.go": "쓰기",
  "borrow.done": "{bind}에서 {service}에 연결하세요",
  "borrow.copy": "주소 복사",
  "borrow.trouble": "마지막 연결이 되지 않았습니다: {why}",
};
