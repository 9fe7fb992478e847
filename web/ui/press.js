// Whether the pointer is down. What is pressed must not move away before it is let go, or the click is lost.
let isDown = false;
const waiting = [];

addEventListener("pointerdown", () => {
    isDown = true;
}, true);

const end = () => {
    isDown = false;
    for (const fn of waiting.splice(0)) setTimeout(fn); // the click comes in between
};
for (const type of ["pointerup", "pointercancel", "keydown"]) addEventListener(type, end, true); // scrollbars tell of no end

/** Calls fn at once, or when the press that is under way has ended, after its click. */
export function afterPress(fn) {
    if (isDown) waiting.push(fn);
    else fn();
}
