// One secret at a time is on the screen, and none for long.
const SHOWN_MS = 30_000;

/** setTimer and clearTimer: as setTimeout and clearTimeout. */
export function createReveal({ shownMs = SHOWN_MS, setTimer = (...of) => setTimeout(...of), clearTimer = (timer) => clearTimeout(timer) } = {}) {
    const watchers = new Map();
    let shown = null;
    let timer = null;
    let turn = 0;

    function hide() {
        const key = shown;
        clearTimer(timer);
        shown = null;
        if (key !== null) watchers.get(key)?.(null);
    }

    /** Fetches KEY's secret and shows it, unless another one was asked for meanwhile. Answers whether it is shown. */
    async function open(key, fetchSecret) {
        const mine = ++turn;
        hide();
        const secret = await fetchSecret();
        if (mine !== turn || !watchers.has(key)) return false;
        hide();
        shown = key;
        timer = setTimer(hide, shownMs);
        watchers.get(key)(secret);
        return true;
    }

    /** TELL gets KEY's secret when it is shown, and null when it is hidden. Answers how to stop, which hides it too. */
    function watch(key, tell) {
        watchers.set(key, tell);
        return () => {
            if (shown === key) hide();
            watchers.delete(key);
        };
    }

    return { open, hide, watch };
}
