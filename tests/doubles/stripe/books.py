"""The double's own books: a line for every time money moved, never changed. Tests compare other books with these."""
import collections


class Books:
    def __init__(self, account):
        self.account, self.lines = account, []

    def write(self, kind, source, amount, intent):
        """KIND: charge, refund or refund_failure. AMOUNT is what the merchant gets: negative for a refund.

        Returns the balance transaction.
        """
        account = self.account
        transaction = account.add(
            "balance_transaction", amount=amount, available_on=account.now(), currency=intent["currency"],
            description=intent["description"], exchange_rate=None, fee=0, fee_details=[], net=amount, reporting_category=kind,
            source=source["id"], status="available", type=kind)
        self.lines.append({
            "kind": kind, "id": source["id"], "at_ms": account.now_ms(), "amount": amount, "fee": 0,
            "currency": intent["currency"], "payment_intent": intent["id"], "customer": intent["customer"],
            "metadata": dict(source["metadata"]), "balance_transaction": transaction["id"]})
        return transaction

    def report(self):
        totals = collections.Counter()
        for line in self.lines:
            totals[line["kind"]] += line["amount"]
        return {"lines": self.lines, "charged": totals["charge"],
                "refunded": -totals["refund"] - totals["refund_failure"], "net": sum(totals.values())}
