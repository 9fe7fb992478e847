// Whether the pointer is down. What is pressed must not move away before it is let go, or the click is lost.
let isDown = false;
const waiting = new Set();

addEventListener("pointerdown", () => {
    isDown = true;
}, true);

const end = () => {
    isDown = false;
    const all = [...waiting];
    waiting.clear();
    setTimeout(() => all.forEach((fn) => fn())); // the click comes in between
};
for (const type of ["pointerup", "pointercancel", "keydown"]) addEventListener(type, end, true); // scrollbars tell of no end

/** Calls fn at once, or when the press that is under way has ended, after its click. */
export function afterPress(fn) {
    if (isDown) waiting.add(fn);
    else fn();
}
