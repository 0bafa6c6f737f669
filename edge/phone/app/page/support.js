// What this browser can do, and what to do where it cannot: in sentences.

const WITHOUT = "Opening a recording works here: it is replayed, analysed and shown as if it came from a strap.";
const OTHERS = "For a strap of your own, ecgedge on a computer or a Raspberry Pi has a live page that any browser "
  + "shows; and developers of native apps find all of it in ecgedge's bundle.";

/**
 * Why a page cannot reach a strap here.
 *
 * @param {{userAgent: string, maxTouchPoints?: number, bluetooth?: object}} navigator
 * @param {boolean} secure whether browsers hold the page's address for safe: `isSecureContext`
 * @returns {{title: string, words: string[]}|null} null where it can
 */
export function obstacle(navigator, secure) {
  const { userAgent: agent, maxTouchPoints = 0 } = navigator;
  if (/iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && maxTouchPoints > 1)) {
    return {
      title: "No straps on an iPhone or iPad",
      words: ["No browser there has Web Bluetooth: Apple gives it to none, whatever its name.", WITHOUT, OTHERS],
    };
  }
  if (!secure) {
    return {
      title: "This address is plain http",
      words: [
        "Browsers give Bluetooth, storage and use without internet only to https, or to localhost on the phone itself.",
        "Three ways there: adb reverse over a USB cable, a certificate of your own, any static host with https. "
          + "They are written down on the page \"On a phone\" of ecgedge's documentation.",
      ],
    };
  }
  if (navigator.bluetooth) return null;
  return { title: "This browser has no Web Bluetooth", words: [instead(agent), WITHOUT] };
}

/** Where it would work. */
function instead(agent) {
  if (/Firefox\//.test(agent)) return "Firefox does not have it. Chrome, Edge and Samsung Internet on Android do.";
  if (/Chrome\//.test(agent) && /Linux/.test(agent) && !/Android/.test(agent)) {
    return "On Linux Chromium asks for a flag: open chrome://flags/#enable-web-bluetooth, enable it, restart.";
  }
  if (/Chrome\//.test(agent)) {
    return "It may be switched off, in the browser's settings or flags. Chrome and Edge on Android have it.";
  }
  if (/Safari\//.test(agent)) return "Safari does not have it. Chrome and Edge have it, on this computer too.";
  return "Chrome, Edge and Samsung Internet on Android have it.";
}

/**
 * What a chooser that gave no device means.
 *
 * @param {DOMException} error
 * @param {boolean} available whether the phone's radio is on
 * @returns {string|null} empty where somebody just closed it, null for anything else
 */
export function refusal({ name, message }, available) {
  if (!available) return "Bluetooth is off: switch it on in the phone's settings, then connect.";
  if (/permission|location/i.test(message)) {
    return "The browser may not look for devices nearby: allow it \"Nearby devices\", or location on Android 11 and "
      + "older, in the phone's settings.";
  }
  if (name === "NotFoundError" || name === "AbortError") return "";
  if (name === "SecurityError") return "Bluetooth is forbidden to this page: allow it in the browser's site settings.";
  return null;
}
