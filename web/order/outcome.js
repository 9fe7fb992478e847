// What became of a request to place an order: done, refused, or not known, and then whether pressing again is right.

const OTHER_CARD = "Whoever runs this server can set another card.";
const DECLINES = {
    payment_method_not_supported: `This kind of card is not taken here. Nothing was charged. ${OTHER_CARD}`,
    authentication_required: `The bank wants to see the cardholder confirm the payment, which cannot be done here. Nothing was charged. Ask the bank to allow it. ${OTHER_CARD}`,
    card_expired: `The card has expired. Nothing was charged. ${OTHER_CARD}`,
    generic_decline: `The bank declined the card. Nothing was charged. Ask the bank why, then press again. ${OTHER_CARD}`,
};
const ORDER_ID = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/;

export const NO_CARD = "This workspace has no card to pay with. Whoever runs this server can set one; nothing can be placed before.";

/** Of an answer with status 200: {kind: "placed", "checkout", "declined" or "refused", answer, message}. */
export const readAnswer = (answer) => {
    if (answer.order_placed) return { kind: "placed", answer };
    if (answer.checkout_url) return { kind: "checkout", answer };
    if (answer.order_error !== "payment_failed") return { kind: "refused", answer };
    return { kind: "declined", answer, message: DECLINES[answer.payment_failure_reason] ?? NO_CARD };
};

/**
 * Of an ApiError, or of a request that was given up. kind:
 *   "unsure"   it may have been placed: only asking again with the same Idempotency-Key tells
 *   "running"  the first request still runs: the same, a little later
 *   "not_now"  nothing was done: it may be tried again
 *   "stopped"  nothing was done, and trying again does not help
 */
export const readFailure = (error) => {
    const { status = 0, message, retryAfter = null } = error;
    const orderId = status === 503 ? ORDER_ID.exec(message)?.[0] ?? null : null;
    if (status === 409) return { kind: "running", message, retryAfter, orderId };
    if (status === 429 || (status === 503 && !orderId)) return { kind: "not_now", message, retryAfter, orderId };
    if (status === 0 || status >= 500) return { kind: "unsure", message: status ? message : "The answer to your order was lost.", retryAfter, orderId };
    return { kind: "stopped", status, message, retryAfter, orderId };
};
