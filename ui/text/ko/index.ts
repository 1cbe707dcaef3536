// Korean, all of it: one line a part.
import { bluetooth } from "./bluetooth";
import { capabilities } from "./capabilities";
import { certificates } from "./certificates";
import { doctor } from "./doctor";
import { errors } from "./errors";
import { grants } from "./grants";
import { history } from "./history";
import { identity } from "./identity";
import { invite } from "./invite";
import { lending } from "./lending";
import { links } from "./links";
import { near } from "./near";
import { outbox } from "./outbox";
import { session } from "./session";
import { settings } from "./settings";
import { shell } from "./shell";
import { transfers } from "./transfers";
import { why } from "./why";

export const ko = {
  ...shell, ...near, ...invite, ...session, ...transfers, ...identity, ...capabilities, ...links, ...doctor, ...history,
  ...settings, ...certificates, ...why, ...errors,
  ...bluetooth, ...outbox, ...grants, ...lending,
} as const;
