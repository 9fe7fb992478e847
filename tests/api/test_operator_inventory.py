"""The operator's inventory of pre-warmed domains: imports as JSON and CSV, line by line, dry or not; the list, and the way out."""
import pytest

from operator_key import Operator

ANNA = {"email_address_prefix": "anna", "first_name": "Anna", "last_name": "Berg"}


@pytest.fixture(scope="module")
def operator(dfyd):
    return Operator(dfyd)


def names(operator, **params):
    return [item["domain"] for item in operator.pages("/inventory", limit=2, **params)]


def csv(operator, text, status=200, **params):
    response = operator.send("POST", "/inventory", data=text.encode(), headers={"Content-Type": "text/csv; charset=utf-8"}, params=params)
    assert response.status_code == status, response.text
    return response.json()


def test_a_list_is_imported(operator, dfyd):
    items = [{"domain": f"Stock-{i}.com", "email_provider": i % 2 + 1, "accounts": [ANNA, {**ANNA, "email_address_prefix": "Olaf"}]}
             for i in range(3)]
    result = {"dry_run": True, "imported": False, "n_domains": 3, "n_mailboxes": 6, "n_problems": 0, "problems": []}
    assert operator.post("/inventory", {"items": items}, params={"dry_run": "true"}) == result
    assert names(operator, search="stock-") == []
    assert operator.post("/inventory", {"items": items}) == {**result, "dry_run": False, "imported": True}
    assert names(operator, search="STOCK-") == ["stock-0.com", "stock-1.com", "stock-2.com"] == names(operator, search="stock-", state="for_sale")
    first = operator.get("/inventory", search="stock-0")["items"][0]
    assert first["accounts"] == [ANNA, {**ANNA, "email_address_prefix": "olaf"}]
    assert (first["email_provider"], first["state"], first["order_id"], first["workspace"]) == (1, "for_sale", None, None)
    assert "stock-2.com" in dfyd.cli("inventory", "list", "--unsold")
    record = operator.records("inventory_added", search="stock-0.com")[0]
    assert record["affected_count"] == 3 and record["detail"] == {"domains": ["stock-0.com", "stock-1.com", "stock-2.com"], "n_mailboxes": 6}


def test_csv_as_spreadsheets_write_it(operator):
    text = ("\ufeffdomain;provider;mailbox;first name;last name\r\n"
            'csv-a.com;AirMail;anna;"Anna ""the"" B";Berg\r\n'
            "\r\n"
            "csv-b.org;2;ida;Ida;Lund\r\n"
            "csv-a.com;airmail;OLAF@csv-a.com; Olaf ;\"van;Dahl\"")
    assert csv(operator, text)["imported"]
    found = {item["domain"]: item for item in operator.get("/inventory", search="csv-")["items"]}
    assert found["csv-a.com"]["accounts"] == [{"email_address_prefix": "anna", "first_name": 'Anna "the" B', "last_name": "Berg"},
                                              {"email_address_prefix": "olaf", "first_name": "Olaf", "last_name": "van;Dahl"}]
    assert found["csv-b.org"]["email_provider"] == 2
    assert csv(operator, "tab-a.com\tMicrosoft\tm\tM\tN\n", dry_run="true")["n_problems"] == 1


def test_what_is_wrong_is_told_by_line(operator, dfyd):
    dfyd.cli("inventory", "add", "--domain", "line-stocked.com", "--provider", "1", "--account", "a,A,B")
    order = dfyd.order([{"domain": "line-sold.com", "accounts": [ANNA]}])
    assert order["order_placed"], order
    text = "\n".join(["domain,provider,mailbox,first name,last name",
                      "line-good.com,1,anna,Anna,Berg",
                      "line-few.com,1,anna",
                      "line-provider.com,Hotmail,anna,Anna,Berg",
                      "line-stocked.com,1,anna,Anna,Berg",
                      "line-sold.com,1,anna,Anna,Berg",
                      "line-good.com,2,olaf,Olaf,Berg",
                      "line-prefix.com,1,an na,Anna,Berg",
                      "line-address.com,1,anna@other.com,Anna,Berg",
                      "line-end.net,1,anna,Anna,Berg",
                      ",1,anna,Anna,Berg",
                      "line-twice.com,1,anna,Anna,Berg",
                      "line-twice.com,1,ANNA,Anna,Berg"])
    dry = csv(operator, text, dry_run="true")
    assert not dry["imported"] and dry["dry_run"] and dry["n_problems"] == len(dry["problems"])
    told = [(p["line"], p["domain"], p["message"]) for p in dry["problems"]]
    expected = [(3, "line-few.com", "five columns"), (4, "line-provider.com", "names no provider"), (5, "line-stocked.com", "is stocked already"),
                (6, "line-sold.com", "was ordered here already"), (7, "line-good.com", "another provider"), (8, "line-prefix.com", "account an na"),
                (9, "line-address.com", "not of its domain"), (10, "line-end.net", "com, org or co"), (11, None, "names no domain"),
                (12, "line-twice.com", "Duplicate")]
    assert [(line, domain) for line, domain, _ in told] == [(line, domain) for line, domain, _ in expected]
    assert all(word in message for (_, _, message), (_, _, word) in zip(told, expected)), told
    refused = csv(operator, text, 422)
    assert refused["problems"] == dry["problems"] and "10 things are wrong" in refused["message"] and not refused["imported"]
    assert names(operator, search="line-") == ["line-stocked.com"]


def test_one_bad_domain_holds_up_all(operator):
    good = {"domain": "json-good.com", "email_provider": 1, "accounts": [ANNA]}
    for bad, word in [({**good, "domain": "JSON-good.com"}, "is here twice"), ({**good, "domain": "json.com", "accounts": []}, "has no mailbox"),
                      ({**good, "domain": "google-login.com"}, "is restricted"), ({**good, "domain": "json.com", "email_provider": 3}, "50")]:
        told = operator.refused(422, "POST", "/inventory", "Nothing was imported", json={"items": [good, bad]})["problems"]
        assert [p["line"] for p in told] == [2] and word in told[0]["message"], told
    assert names(operator, search="json") == []
    operator.post("/inventory", {"items": [good]})
    told = operator.refused(422, "POST", "/inventory", "1 thing is wrong", json={"items": [good]})["problems"]
    assert [(p["line"], p["message"]) for p in told] == [(1, "is stocked already")]


@pytest.mark.parametrize("text, word", [("", "no line with a mailbox"), ("domain,provider\n", "no line with a mailbox"),
                                        ("\n \r\n", "no line with a mailbox"), (b"a.com,1,\xff,A,B", "no UTF-8 text")])
def test_csv_that_is_none(operator, text, word):
    response = operator.send("POST", "/inventory", data=text, headers={"Content-Type": "text/csv"})
    assert response.status_code == 400 and word in response.json()["message"], response.text


def test_other_types_are_refused(operator):
    operator.refused(415, "POST", "/inventory", "application/json or text/csv", data="a", headers={"Content-Type": "text/plain"})
    operator.refused(415, "POST", "/prices", "send application/json", data="a", headers={"Content-Type": "text/csv"})


def test_many_at_once(operator):
    """One transaction, and all of it or nothing."""
    lines = [f"bulk-{i}.com,1,p{j},First,Last" for i in range(2000) for j in range(3)]
    assert csv(operator, "\n".join(lines)) == {"dry_run": False, "imported": True, "n_domains": 2000, "n_mailboxes": 6000, "n_problems": 0,
                                               "problems": []}
    again = csv(operator, "\n".join(lines), 422)
    assert again["n_problems"] == 2000 and len(again["problems"]) == 500
    assert [p["line"] for p in again["problems"]] == [1 + 3 * i for i in range(500)]
    assert len(operator.get("/inventory", search="bulk-", limit=100)["items"]) == 100


def test_sold_ones_stay(operator, dfyd):
    operator.post("/inventory", {"items": [{"domain": f"way-{word}.com", "email_provider": 1, "accounts": [ANNA]} for word in ("out", "sold")]})
    answer = dfyd.order([{"domain": "way-sold.com", "email_provider": 1}], type="pre_warmed_up")
    assert answer["order_placed"], answer
    assert names(operator, search="way-", state="sold") == ["way-sold.com"]
    sold = operator.get("/inventory", search="way-sold")["items"][0]
    assert sold["workspace"] == "default" and sold["order_id"]
    operator.refused(409, "DELETE", "/inventory/way-sold.com", "way-sold.com is sold")
    assert operator.send("DELETE", "/inventory/WAY-out.com").json() == {"domain": "way-out.com"}
    operator.refused(404, "DELETE", "/inventory/way-out.com", "way-out.com is not stocked")
    assert names(operator, search="way-") == ["way-sold.com"]
    assert len(operator.records("inventory_removed", search="way-out.com")) == 1
