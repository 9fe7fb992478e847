// What is due by month, from what is due by day. Amounts are dollars with cents, so they are added up as cents.
const MONTHS_MAX = 13; // twelve from today on, of which the first and the last are parts of two months

const CENTS = 100;
const toCents = (dollars) => Math.round(dollars * CENTS);

/** The sum of dollar amounts, exact to the cent. */
export const sumMoney = (amounts) => amounts.reduce((sum, amount) => sum + toCents(amount), 0) / CENTS;

const monthOf = (at) => {
    const date = new Date(at);
    return date.getUTCFullYear() * 12 + date.getUTCMonth();
};
const startOf = (number) => Date.UTC(Math.floor(number / 12), number % 12, 1);

/** Today's month, unless a day would not fit behind it: what was listed just before the clock of a sandbox was moved. */
function firstMonth(upcoming, todayMs) {
    const today = monthOf(todayMs);
    if (!upcoming.length) return today;
    const first = monthOf(upcoming[0].day);
    const last = monthOf(upcoming.at(-1).day);
    return today <= first && last < today + MONTHS_MAX ? today : first;
}

/**
 * [{ms, amount, domains, mailboxes}], a row a month without a gap from the first to the month in a year. `upcoming`: days as
 * GET renewals lists them, in order. domains and mailboxes: how many are charged for in that month.
 */
export function sumByMonth(upcoming, todayMs) {
    const first = firstMonth(upcoming, todayMs);
    const rows = Array.from({ length: MONTHS_MAX }, (_, i) => ({ ms: startOf(first + i), amount: 0, domains: 0, mailboxes: 0 }));
    for (const { day, amount, domain_years, domain_months, mailbox_months } of upcoming) {
        const row = rows[monthOf(day) - first];
        row.amount = sumMoney([row.amount, amount]);
        row.domains += domain_years + domain_months;
        row.mailboxes += mailbox_months;
    }
    return rows;
}

/** What is due on the DAYS days from TODAY ("2026-11-23") on, and what is overdue. */
export function dueWithin(upcoming, today, days) {
    const end = Date.parse(today) + days * 86_400_000;
    return sumMoney(upcoming.filter(({ day }) => Date.parse(day) < end).map(({ amount }) => amount));
}
