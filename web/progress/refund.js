import { html } from "../lib.js";
import { formatMoney, formatTime } from "../ui/index.js";
import { In } from "./in.js";

/** What becomes of a refund, as the end of a sentence that begins with its amount. */
export function RefundWords({ refund }) {
    const { state, reason } = refund;
    if (state === "waiting") return html`goes back to you <${In} at=${refund.timestamp_next_try} />, unless you take another name for it until then`;
    if (state === "done") return `went back to you on ${formatTime(refund.timestamp_ended, "day")}`;
    if (state === "swapped") return "was used for another name";
    if (state === "failed") return `could not be given back${reason ? `: ${reason}` : ""}. It stays owed to you; whoever runs this server sees to it`;
    if (reason) return html`could not be given back yet: ${reason}. It is tried again <${In} at=${refund.timestamp_next_try} />`;
    return "is on its way back to you";
}

/** "$20.00 is on its way back to you." */
export function RefundSentence({ refund }) {
    return html`${formatMoney(refund.amount)} <${RefundWords} refund=${refund} />.`;
}

/** The newest refund for a whole domain, or for one mailbox of it. */
export const refundFor = (refunds, domain, email = null) => refunds.findLast((refund) => refund.domain === domain && refund.email === email);
