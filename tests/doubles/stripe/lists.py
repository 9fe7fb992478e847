"""Pages and expand[], after https://docs.stripe.com/api/pagination and https://docs.stripe.com/api/expanding_objects."""
import copy
import operator

import errors

COMPARE = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
WORDS = {"customer": "customer", "payment_method": "PaymentMethod", "payment_intent": "payment_intent", "charge": "charge",
         "refund": "refund", "checkout.session": "checkout.session", "setup_intent": "setupintent",
         "balance_transaction": "balance transaction"}  # in "No such ..."

# object -> property that holds an id -> what it is the id of
EXPANDABLE = {
    "payment_intent": {"customer": "customer", "payment_method": "payment_method", "latest_charge": "charge"},
    "charge": {"customer": "customer", "payment_intent": "payment_intent", "balance_transaction": "balance_transaction"},
    "refund": {"charge": "charge", "payment_intent": "payment_intent", "balance_transaction": "balance_transaction",
               "failure_balance_transaction": "balance_transaction"},
    "checkout.session": {"customer": "customer", "payment_intent": "payment_intent", "line_items": None},
    "setup_intent": {"customer": "customer", "payment_method": "payment_method"},
    "payment_method": {"customer": "customer"},
    "customer": {},
    "customer.invoice_settings": {"default_payment_method": "payment_method"},
    "balance_transaction": {"source": "charge"},
}
KINDS = {"customers": "customer", "payment_methods": "payment_method", "setup_intents": "setup_intent",
         "payment_intents": "payment_intent", "charges": "charge", "refunds": "refund", "checkout": "checkout.session",
         "balance_transactions": "balance_transaction"}


def check_expand(path, is_list, expand):
    """Refuses what show() would refuse later, before anything is done."""
    kind = KINDS[path.split("/")[2]]
    for asked in expand:
        word, _, rest = asked.partition(".") if is_list else ("data", "", asked)
        head = rest.partition(".")[0]
        if word != "data" or head not in EXPANDABLE[kind] and (kind, head) != ("customer", "invoice_settings"):
            raise errors.invalid(f"This property cannot be expanded ({asked}).", "expand")


def need(account, kind, name, param, in_path=False):
    found = account.find(kind, name)
    if found is None:
        raise errors.missing(WORDS[kind], name, param, in_path)
    return found


def page(account, kind, url, values, keep):
    """The newest first. KEEP says which objects belong to the list at all."""
    things = [thing for thing in reversed(account.objects[kind].values()) if keep(thing) and _timely(thing, values)]
    things.sort(key=lambda thing: -thing["created"])  # stable: within a second, the newest stays first
    for word in ("starting_after", "ending_before"):
        if word in values:
            need(account, kind, values[word], word)
    if "starting_after" in values and "ending_before" in values:
        raise errors.invalid("Only one of starting_after and ending_before.", "ending_before")
    names = [thing["id"] for thing in things]
    limit = values.get("limit", 10)
    if "ending_before" in values:
        before = things[:_index(names, values["ending_before"], "ending_before")]
        return {"object": "list", "url": url, "has_more": len(before) > limit, "data": before[-limit:]}
    if "starting_after" in values:
        things = things[_index(names, values["starting_after"], "starting_after") + 1:]
    return {"object": "list", "url": url, "has_more": len(things) > limit, "data": things[:limit]}


def _index(names, name, param):
    if name not in names:
        raise errors.invalid(f"{name} is not in this list.", param)
    return names.index(name)


def _timely(thing, values):
    times = values.get("created")
    if isinstance(times, dict):
        return all(COMPARE[word](thing["created"], second) for word, second in times.items())
    return times is None or thing["created"] == times


def show(account, thing, expand):
    """A copy of THING as it is answered: private properties (_x) left out, expand[] followed."""
    if thing.get("object") == "list":
        inner = []
        for path in expand:
            word, _, rest = path.partition(".")
            if word != "data" or not rest:
                raise errors.invalid(f"This property cannot be expanded ({path}); in lists it begins with data.", "expand")
            inner.append(rest)
        return {**thing, "data": [show(account, part, inner) for part in thing["data"]]}
    shown = _plain(thing)
    heads = {}
    for path in expand:
        if path.count(".") > 3:
            raise errors.invalid("At most four levels can be expanded.", "expand")
        heads.setdefault(path.partition(".")[0], []).append(path.partition(".")[2])
    for head, rests in heads.items():
        rests = [rest for rest in rests if rest]
        if thing.get("object") == "customer" and head == "invoice_settings":
            shown[head] = show(account, {"object": "customer.invoice_settings", **thing[head]}, rests)
            del shown[head]["object"]
            continue
        known = EXPANDABLE[thing["object"]]
        if head not in known:
            raise errors.invalid(f"This property cannot be expanded ({head}).", "expand")
        if known[head] is None:
            shown[head] = thing["_" + head]
        elif isinstance(thing[head], str):
            kind = "refund" if thing[head].startswith("re_") else known[head]
            shown[head] = show(account, account.find(kind, thing[head]), rests)
    return shown


def _plain(thing):
    return {key: copy.deepcopy(part) for key, part in thing.items() if not key.startswith("_")}
