// Line drawings of 16 by 16. They say nothing that words beside them do not say, so screen readers skip them.
import { html } from "../lib.js";

const paths = {
    alert: "M8 2.2 14.4 13.5H1.6zM8 6.4v3.2M8 11.6v.1",
    arrow: "M3 8h10M9 4l4 4-4 4",
    back: "M10 3.5 5.5 8l4.5 4.5",
    box: "M2 5l6-3 6 3v6.5l-6 3-6-3zM2 5l6 3 6-3M8 8v6.3",
    check: "M3 8.5l3.2 3.2L13 4.8",
    clock: "M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8zM8 4.5V8l2.4 1.6",
    close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
    copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
    dark: "M13.5 9.6A6 6 0 1 1 6.4 2.5a4.8 4.8 0 0 0 7.1 7.1z",
    down: "M3.5 6 8 10.5 12.5 6",
    download: "M8 2v8M4.5 7 8 10.5 11.5 7M2.5 13.5h11",
    edit: "M10.8 2.7l2.5 2.5-7.8 7.8-3.2.7.7-3.2z",
    eye: "M1.5 8S4 3.7 8 3.7 14.5 8 14.5 8 12 12.3 8 12.3 1.5 8 1.5 8zM8 6.2a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6z",
    forward: "M6 3.5 10.5 8 6 12.5",
    globe: "M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8zM1.8 8h12.4M8 1.8c2 2 2.6 4 2.6 6.2S10 12.2 8 14.2C6 12.2 5.4 10.2 5.4 8S6 3.8 8 1.8z",
    home: "M2 2h5v6H2zM9 2h5v3.5H9zM9 7.5h5V14H9zM2 10h5v4H2z",
    key: "M10.5 2a3.5 3.5 0 1 1-2.7 5.7L3 12.5V14h2.5v-1.5H7V11l1.7-1.7M11 5v.1",
    light: "M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1.1 1.1M11.9 11.9 13 13M3 13l1.1-1.1M11.9 4.1 13 3",
    list: "M5.5 3.5h8M5.5 8h8M5.5 12.5h8M2.5 3.5v.1M2.5 8v.1M2.5 12.5v.1",
    mail: "M1.8 3.5h12.4v9H1.8zM2 4l6 5 6-5",
    menu: "M2 4h12M2 8h12M2 12h12",
    money: "M1.8 3.5h12.4v9H1.8zM1.8 6.5h12.4M4.5 10h2",
    out: "M6.5 2.5h-4v11h4M10 5l3 3-3 3M6 8h7",
    page: "M3.5 1.8h6l3 3v9.4h-9zM9.5 1.8v3h3M6 8h4M6 10.8h4",
    percent: "M12.5 3.5l-9 9M4.8 3.2a1.6 1.6 0 1 1 0 3.2 1.6 1.6 0 0 1 0-3.2zM11.2 9.6a1.6 1.6 0 1 1 0 3.2 1.6 1.6 0 0 1 0-3.2z",
    plot: "M2 2v12h12M4.5 10.5l3-3.5 2.5 2 3.5-4.5",
    plus: "M8 3v10M3 8h10",
    print: "M4.5 6V2h7v4M4.5 11.5h-2.5V6h12v5.5h-2.5M4.5 9.5h7V14h-7z",
    pulse: "M1.5 8.5h3l2-5 3 9 2-4h3",
    redo: "M13.5 8A5.5 5.5 0 1 1 11.6 3.8M13.5 1.5v3.2h-3.2",
    search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.3l3.7 3.7",
    system: "M1.8 2.8h12.4v8.4H1.8zM5.5 13.8h5M8 11.2v2.6",
    tag: "M2 2h5.5L14 8.5 8.5 14 2 7.5zM5 5v.1",
    trash: "M2.5 4h11M6 4V2.3h4V4M4 4l.6 9.7h6.8L12 4",
    up: "M3.5 10 8 5.5l4.5 4.5",
    upload: "M8 10.5v-8M4.5 6 8 2.5 11.5 6M2.5 13.5h11",
};

export function Icon({ name, size = 16 }) {
    return html`<svg class="icon" width=${size} height=${size} viewBox="0 0 16 16" fill="none" stroke="currentColor"
        stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d=${paths[name]} /></svg>`;
}
