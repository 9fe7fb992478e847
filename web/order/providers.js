// The providers to choose from, with their prices once these are known.
import { formatMoney } from "../ui/index.js";
import { providerName } from "./refusals.js";

const PRICES = [
    [1, (prices) => `${formatMoney(prices.google_mailbox_month)} a mailbox and month`],
    [2, (prices) => `${formatMoney(prices.airmail_mailbox_month)} a mailbox and month`],
    [3, (prices) => `${formatMoney(prices.microsoft_domain_month)} a domain and month, 50 to 100 mailboxes`],
];

/** As the options of a Field. prices: of GET prices, or undefined. */
export const providerOptions = (prices) =>
    PRICES.map(([number, words]) => [String(number), prices ? `${providerName(number)}: ${words(prices)}` : providerName(number)]);
