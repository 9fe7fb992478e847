const brands = { visa: "Visa", mastercard: "Mastercard", amex: "American Express", unionpay: "UnionPay" };

/** "visa" as "Visa". */
export const cardName = (brand) => brands[brand] ?? brand;
