// Says that something new came in; nothing moves under the reader's hands.
"use strict";
const live = document.getElementById("live");
if (live && !location.pathname.startsWith("/login")) {
  const source = new EventSource("/events");
  source.addEventListener("changed", () => { live.hidden = false; });
  window.addEventListener("pagehide", () => source.close());
}
