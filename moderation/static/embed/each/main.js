// One element's thread. What stands in this folder runs once for each element; `host` is that element.
import { follow } from "./following.js";
import { load, thread } from "./thread.js";
import { freshen } from "./words.js";

export { goToAnchor } from "./thread.js";

// Every so many minutes a shown thread asks what is new.
const ASKS = 3;

export function look(minute) {
  if (!thread) return;
  freshen();
  if (minute % ASKS === 0) follow();
}

load();
