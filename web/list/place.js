// Where somebody was in a list that grows: kept with the entry of the history, and gone to when that entry is come back to.
import { useEffect, useRef } from "../lib.js";
import { amendEntry, beforeLeaving, entryState } from "../router.js";

const PAUSE_MS = 150;
const FRAMES_MAX = 20; // rows that were not laid out yet are higher or lower than was thought
const BY_THEMSELVES = ["wheel", "touchstart", "pointerdown", "keydown"];
const CONTROLS = "a[href], button, input, select";
const STEP_PX = 20;

const controlsOf = (row) => [...row.querySelectorAll(CONTROLS)];
const rowAt = (element) => element?.closest?.(".table.long tr[data-key]") ?? null;

function isSeen(row) {
    const { top, bottom } = row.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
}

function firstSeen() {
    const x = document.querySelector(".table.long")?.getBoundingClientRect().left + STEP_PX;
    for (let y = 0; y < innerHeight; y += STEP_PX) {
        const row = rowAt(document.elementFromPoint(x, y));
        if (row) return row;
    }
    return null;
}

/** {key, top, control, chunk}: a row, how far down the window it is, which of its controls has the focus (-1: none), its chunk's number. */
function placeNow() {
    const focused = rowAt(document.activeElement);
    const row = focused && isSeen(focused) ? focused : (scrollY > 0 ? firstSeen() : null);
    if (!row) return null;
    const chunk = [...row.closest("table").tBodies].indexOf(row.parentNode);
    return { key: row.dataset.key, top: Math.round(row.getBoundingClientRect().top), control: controlsOf(row).indexOf(document.activeElement), chunk };
}

/** Moves until ROW is TOP px down the window and stays there; isWanted() says whether to go on. */
function bring(row, top, isWanted, end) {
    let frames = 0;
    let still = 0;
    const move = () => {
        if (!isWanted()) return;
        const off = row.getBoundingClientRect().top - top;
        still = Math.abs(off) <= 1 ? still + 1 : 0;
        if (still > 1 || ++frames > FRAMES_MAX) {
            end();
            return;
        }
        scrollBy({ top: off, behavior: "instant" });
        requestAnimationFrame(move);
    };
    move();
}

/** The place that the entry of the history was left at, or null; the same at each drawing. */
export const useLeftPlace = () => useRef(entryState().place ?? null).current;

/** Goes to PLACE as soon as its row is there, and keeps where somebody is from then on. list: {count, loading} of useGrowing. */
export function usePlace(place, { count, loading }) {
    const wanted = useRef(place);
    useEffect(() => {
        const { href } = location;
        let timer = 0;
        const keep = () => {
            clearTimeout(timer);
            if (!wanted.current && location.href === href) amendEntry({ place: placeNow() });
        };
        const later = () => {
            clearTimeout(timer);
            timer = setTimeout(keep, PAUSE_MS);
        };
        const giveUp = () => (wanted.current = null);
        const stop = beforeLeaving(keep);
        addEventListener("scroll", later, { passive: true });
        addEventListener("pagehide", keep);
        for (const kind of BY_THEMSELVES) addEventListener(kind, giveUp, { passive: true });
        return () => {
            clearTimeout(timer);
            stop();
            removeEventListener("scroll", later);
            removeEventListener("pagehide", keep);
            for (const kind of BY_THEMSELVES) removeEventListener(kind, giveUp);
        };
    }, [location.href]);
    useEffect(() => {
        const now = wanted.current;
        if (!now) return;
        const row = document.querySelector(`.table.long tr[data-key="${CSS.escape(now.key)}"]`);
        if (row) {
            controlsOf(row)[now.control]?.focus({ preventScroll: true });
            bring(row, now.top, () => wanted.current === now, () => (wanted.current = null));
        } else if (!loading) {
            wanted.current = null; // it is not in the list any more
        }
    }, [count, loading]);
}
