// For pages that frame a thread: gives the frame the height of what is in it. Only the service this file came from is
// listened to, and only about the frame that speaks.
"use strict";

(() => {
  const SERVICE = new URL(document.currentScript.src).origin;
  const TALLEST = 100_000;

  addEventListener("message", ({ origin, source, data }) => {
    const height = data?.leaveAReplyHeight;
    if (origin !== SERVICE || !(height > 0 && height < TALLEST)) return;
    for (const frame of document.querySelectorAll("iframe")) {
      if (frame.contentWindow === source) frame.style.blockSize = `${Math.ceil(height)}px`;
    }
  });
})();
