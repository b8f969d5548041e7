#!/usr/bin/env python3
"""Sets with known personal data, and scores of programs on them. Called by compare_redact.sh.

    convert PRESIDIO.json OUT.jsonl HALF     presidio-research's sentences; HALF 0 or 1 takes the even or odd ones, 2 all
    score SET.jsonl SPANS.jsonl NAME         precision and recall by kind
    presidio SET.jsonl                       spans of presidio-analyzer's pattern recognizers (no spaCy model)
    generate OUT.jsonl SEED N                our own set: English, German, French, Chinese, with near misses

A gold piece is found when a span of its kind covers at least half of it; a span is right when at least half of it is gold of
its kind. Spans of addresses may also cover places and codes next to them (presidio-research splits an address into street,
place and code), and spans of names titles.
"""
import collections
import json
import random
import sys

KINDS = {"EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone", "CREDIT_CARD": "card", "IBAN_CODE": "iban", "US_SSN": "ssn",
         "IP_ADDRESS": "ip", "PERSON": "name", "STREET_ADDRESS": "address", "ADDRESS": "address"}
NEIGHBOURS = {"address": {"GPE", "ZIP_CODE", "LOCATION"}, "name": {"TITLE"}}
STRUCTURED = ["email", "phone", "ip", "card", "iban", "ssn", "id_card"]


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def convert(path, out, half):
    with open(path, encoding="utf-8") as file, open(out, "w", encoding="utf-8") as stream:
        for index, record in enumerate(json.load(file)):
            if half < 2 and index % 2 != half:
                continue
            text = record["full_text"]
            spans = []
            for span in record["spans"]:
                start = len(text[:span["start_position"]].encode())
                end = len(text[:span["end_position"]].encode())
                spans.append({"start": start, "end": end, "kind": KINDS.get(span["entity_type"], span["entity_type"])})
            stream.write(json.dumps({"id": str(index), "text": text, "spans": spans}, ensure_ascii=False) + "\n")


def overlap(one, other):
    return max(0, min(one["end"], other["end"]) - max(one["start"], other["start"]))


def score(gold_path, found_path, name, show=False):
    gold, found = lines(gold_path), lines(found_path)
    assert len(gold) == len(found), (len(gold), len(found))
    counts = collections.defaultdict(lambda: [0, 0, 0, 0])  # planted, hit, found, right
    missed, wrong = [], []
    for record, answer in zip(gold, found):
        for span in record["spans"]:
            kind = span["kind"]
            if kind not in STRUCTURED + ["name", "address"]:
                continue
            covered = sum(overlap(span, f) for f in answer["spans"] if f["kind"] == kind)
            counts[kind][0] += 1
            hit = covered * 2 >= span["end"] - span["start"]
            counts[kind][1] += hit
            if not hit:
                missed.append((kind, record["text"].encode()[span["start"]:span["end"]].decode(), record["text"][:160]))
        for span in answer["spans"]:
            kind = span["kind"]
            covered = sum(overlap(span, g) for g in record["spans"] if g["kind"] == kind or g["kind"] in NEIGHBOURS.get(kind, ()))
            right = covered * 2 >= span["end"] - span["start"] and any(overlap(span, g) for g in record["spans"] if g["kind"] == kind)
            counts[kind][2] += 1
            counts[kind][3] += right
            if not right:
                wrong.append((kind, span.get("text"), span.get("reason"), record["text"][:160]))
    total = [sum(counts[k][i] for k in STRUCTURED if k in counts) for i in range(4)]
    rows = [(k, counts[k]) for k in STRUCTURED + ["name", "address"] if k in counts] + [("structured", total)]
    print(f"{name:12} {'kind':12} {'planted':>8} {'recall':>8} {'found':>8} {'precision':>9}")
    for kind, (planted, hit, n, right) in rows:
        print(f"{name:12} {kind:12} {planted:8} {hit / max(planted, 1):8.3f} {n:8} {right / max(n, 1):9.3f}")
    if show:
        for item in missed:
            print("MISSED", *map(repr, item))
        for item in wrong:
            print("WRONG", *map(repr, item))


def presidio(path):
    from presidio_analyzer import RecognizerRegistry
    import presidio_analyzer.predefined_recognizers as known
    names = {"email": "EmailRecognizer", "phone": "PhoneRecognizer", "card": "CreditCardRecognizer", "iban": "IbanRecognizer",
             "ssn": "UsSsnRecognizer", "ip": "IpRecognizer"}
    recognizers = {kind: getattr(known, name)() for kind, name in names.items()}
    for record in lines(path):
        text, spans = record["text"], []
        for kind, recognizer in recognizers.items():
            for result in recognizer.analyze(text, recognizer.supported_entities, None) or []:
                # Scores below presidio's customary threshold need its context words, which need spaCy.
                if result.score >= 0.3:
                    start, end = len(text[:result.start].encode()), len(text[:result.end].encode())
                    spans.append({"start": start, "end": end, "kind": kind, "text": text[result.start:result.end]})
        print(json.dumps({"spans": spans}, ensure_ascii=False))


# A set of our own.


def luhn(number):
    total = sum(int(d) if i % 2 else (int(d) * 2 if int(d) < 5 else int(d) * 2 - 9) for i, d in enumerate(reversed(number)))
    return number + str(-total % 10)


def digits(rng, n):
    return "".join(rng.choice("0123456789") for _ in range(n))


def card(rng):
    prefix, length, groups = rng.choice([("4", 16, (4, 4, 4, 4)), ("4", 16, (4, 4, 4, 4)), (str(rng.randint(51, 55)), 16, (4, 4, 4, 4)), ("37", 15, (4, 6, 5)),
                                         ("6011", 16, (4, 4, 4, 4)), ("3528", 16, (4, 4, 4, 4)), ("62", 16, (4, 4, 4, 4))])
    number = luhn(prefix + digits(rng, length - 1 - len(prefix)))
    separator = rng.choice(["", " ", "-"])
    parts, at = [], 0
    for group in groups:
        parts.append(number[at:at + group])
        at += group
    return separator.join(parts)


def identity(rng):
    body = rng.choice(["110105", "310104", "440305", "510107", "330106"]) + f"{rng.randint(1950, 2010)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}" + digits(rng, 3)
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights)) % 11]


def iban(rng):
    country, length = rng.choice([("DE", 22), ("FR", 27), ("GB", 22), ("NL", 18), ("ES", 24), ("IT", 27), ("CH", 21), ("AT", 20)])
    letters = {"GB": 4, "NL": 4}.get(country, 0)
    body = "".join(rng.choice("ABCDEFGHKLMN") for _ in range(letters)) + digits(rng, length - 4 - letters)
    number = "".join(str(int(c, 36)) for c in body + country + "00")
    whole = f"{country}{98 - int(number) % 97:02}{body}"
    return " ".join(whole[i:i + 4] for i in range(0, len(whole), 4)) if rng.random() < 0.5 else whole


def phone(rng, language):
    area, exchange = rng.randint(201, 989), rng.randint(200, 999)
    forms = {
        "en": [f"({area}) {exchange}-{digits(rng, 4)}", f"+1 {area} {exchange} {digits(rng, 4)}", f"{area}-{exchange}-{digits(rng, 4)}", f"{area}.{exchange}.{digits(rng, 4)}",
               f"1-{area}-{exchange}-{digits(rng, 4)} ext. {rng.randint(1, 999)}", f"+44 20 7{digits(rng, 3)} {digits(rng, 4)}", f"07700 900{digits(rng, 3)}", f"020 7946 0{digits(rng, 3)}"],
        "de": [f"+49 {rng.randint(30, 89)} {digits(rng, 7)}", f"030 {digits(rng, 7)}", f"0171 {digits(rng, 7)}", f"0{rng.randint(201, 989)}/{rng.randint(1000, 9999)}{digits(rng, 3)}", f"+49 (0) {rng.randint(30, 89)} {digits(rng, 3)} {digits(rng, 4)}",
               f"089-{rng.randint(1000000, 9999999)}", f"0049 {rng.randint(151, 179)} {digits(rng, 8)}"],
        "fr": [f"+33 {rng.randint(1, 7)} " + " ".join(digits(rng, 2) for _ in range(4)), f"0{rng.randint(1, 7)} " + " ".join(digits(rng, 2) for _ in range(4)),
               f"0{rng.randint(1, 7)}." + ".".join(digits(rng, 2) for _ in range(4)), f"0{rng.randint(1, 7)}{digits(rng, 8)}"],
        "zh": [f"1{rng.randint(3, 9)}{digits(rng, 9)}", f"+86 1{rng.randint(3, 9)}{digits(rng, 1)} {digits(rng, 4)} {digits(rng, 4)}", f"1{rng.randint(3, 9)}{digits(rng, 1)}-{digits(rng, 4)}-{digits(rng, 4)}",
               f"010-{rng.randint(2, 8)}{digits(rng, 7)}", f"0755-{rng.randint(2, 8)}{digits(rng, 7)}", f"(021) {rng.randint(2, 8)}{digits(rng, 3)} {digits(rng, 4)}"],
    }
    return rng.choice(forms[language])


TEMPLATES = {
    "en": ["Please call {phone} before noon.", "Her phone number is {phone}.", "Contact {name} at {email} for details.", "You can reach me on {phone} or {email}.", "The payment with card {card} was declined.",
           "My credit card is {card}.", "The server at {ip} did not answer.", "Transfer it to {iban} by Friday.", "SSN {ssn} belongs to the applicant.", "{name} lives at {address}.", "Ship the parcel to {address}, please.",
           "According to {name}, the results were good.", "Mr. {last} signed the contract yesterday.", "Dear {name},\nthank you for your order.", "We met {name} and {name} in the park.", "Login from {ip} by {email}.",
           "Our office is located at {address}.", "{name} was born in 1975 and works as a nurse.", "Tel: {phone}, Fax: {phone}"],
    "de": ["Bitte rufen Sie {phone} an.", "Telefon: {phone}", "Schreiben Sie an {email}.", "Die IBAN lautet {iban}.", "Ich heiße {name} und wohne in der {address}.", "Frau {last} arbeitet seit 1998 hier.", "Die Karte {card} wurde gesperrt.",
           "Der Rechner {ip} antwortet nicht.", "{name} wohnt in der {address}.", "Herr {last} kommt um 12:30 Uhr.", "Rückfragen an {name}, {email}.", "Mobil {phone}"],
    "fr": ["Appelez le {phone} avant midi.", "Tél. : {phone}", "Écrivez à {email}.", "Mon IBAN est {iban}.", "Je m'appelle {name} et j'habite {address}.", "La carte {card} est bloquée.", "Madame {last} est arrivée hier.", "Le serveur {ip} ne répond pas.",
           "{name} habite au {address}.", "Contactez {name} au {phone}."],
    "zh": ["请拨打{phone}联系我们。", "我的手机号是{phone}。", "邮箱：{email}", "身份证号{id_card}，请核对。", "我叫{name}，住在{address}。", "{name}先生的电话是{phone}。", "信用卡号{card}已挂失。", "服务器{ip}无法访问。", "收件人：{name}，地址：{address}。",
           "联系人{name}，电话{phone}。", "{name}说他明天到。", "请寄到{address}。", "据{name}教授介绍，结果很好。"],
}
NEAR = {
    "en": ["ISBN 978-3-16-148410-0 is out of print.", "See doi:10.1000/182.4567-1234 for more.", "Version 10.0.19.1 was released on 2021-05-03.", "The order number is {digits12}.", "It cost 1,234,567 dollars in 1999.", "The build 4.12.0.88 is stable.",
           "Commit 9f86d081884c7d659a2feaa0c55ad015 fixed it.", "From 1990 to 2000 the population grew to 12 345 678.", "Pi is about 3.14159265358979.", "The match ended 21-19, 18-21, 21-15.", "ISSN 2049-3630 and ISBN 0-306-40615-2.", "Tracking number 1Z999AA10123456784.",
           "The card {badcard} is not valid.", "Section 3.2.1.4 explains it.", "The meeting is at 12:30:45 on 03/05/2021.", "In March the Ministry of Health met in Geneva.", "Chapter 12 The Long Road Home", "The Great Wall is in China.", "UUID 550e8400-e29b-41d4-a716-446655440000"],
    "de": ["Die ISBN ist 978-3-446-20766-1.", "Version 2.4.1.7 erschien am 03.05.2021.", "Bestellnummer {digits12} ist unterwegs.", "Das kostet 1.234.567,89 Euro.", "Siehe Abschnitt 4.3.2.1.", "Die Rechnung 20210503123 ist bezahlt.", "Am Montag war der Bericht in der Zeitung.", "Im Jahr 1990 kamen 250 000 Besucher."],
    "fr": ["L'ISBN est 978-2-07-036822-8.", "La version 2.4.1.7 est sortie le 03/05/2021.", "Commande {digits12} expédiée.", "Cela coûte 1 234 567,89 euros.", "Voir l'article 4.3.2.1.", "En 1990, 250 000 visiteurs sont venus.", "Le Monde est un journal."],
    "zh": ["ISBN 978-7-302-51122-4已出版。", "版本2.10.3.4已发布。", "订单号{digits12}已发货。", "小明有13个苹果，2021年有365天。", "参见第3.2.1.4节。", "他在1990年至2000年之间工作。", "身份证号110105194912310021不对。", "高兴的人都来了，马上就走。", "中国人民银行成立于1948年。", "地铁2号线通车了。"],
}


def generate(out, seed, n):
    from faker import Faker
    rng = random.Random(seed)
    Faker.seed(seed)
    fakers = {"en": [Faker("en_US"), Faker("en_GB")], "de": [Faker("de_DE")], "fr": [Faker("fr_FR")], "zh": [Faker("zh_CN")]}
    with open(out, "w", encoding="utf-8") as stream:
        for index in range(n):
            language = rng.choice(["en", "en", "de", "fr", "zh"])
            faker = rng.choice(fakers[language])
            text, spans = "", []
            for _ in range(rng.randint(1, 4)):
                near = rng.random() < 0.4
                template = rng.choice(NEAR[language] if near else TEMPLATES[language])
                rest = template
                while "{" in rest:
                    front, tail = rest.split("{", 1)
                    kind, rest = tail.split("}", 1)
                    text += front
                    value = {
                        "phone": lambda: phone(rng, language), "email": faker.email if language != "zh" else Faker("en_US").email, "name": lambda: faker.first_name() + " " + faker.last_name() if language != "zh" else faker.name(),
                        "last": faker.last_name, "card": lambda: card(rng), "ip": lambda: faker.ipv4() if rng.random() < 0.7 else faker.ipv6(), "iban": lambda: iban(rng), "ssn": lambda: fakers["en"][0].ssn(), "id_card": lambda: identity(rng),
                        "address": lambda: address(rng, faker, language), "digits12": lambda: digits(rng, 12), "badcard": lambda: (lambda c: c[:-1] + str((int(c[-1]) + 3) % 10))(card(rng)),
                    }[kind]()
                    label = {"last": "name", "digits12": None, "badcard": None}.get(kind, kind)
                    if label:
                        start = len(text.encode())
                        spans.append({"start": start, "end": start + len(value.encode()), "kind": label})
                    text += value
                text += rest + ("" if language == "zh" else " ")
            stream.write(json.dumps({"id": str(index), "lang": language, "text": text, "spans": spans}, ensure_ascii=False) + "\n")


def address(rng, faker, language):
    if language == "zh":
        return faker.province() + faker.city() + rng.choice(["朝阳区", "海淀区", "城北区", "新城区"]) + faker.street_name() + f"{rng.randint(1, 300)}号" + rng.choice(["", f"{rng.randint(1, 20)}栋{rng.randint(101, 999)}室"])
    if language == "en":
        return faker.street_address().replace("\n", ", ") + ", " + faker.city() + ("" if rng.random() < 0.5 else f", {faker.postcode()}")
    if language == "de":
        return f"{faker.street_name()} {rng.randint(1, 200)}, {faker.postcode()} {faker.city()}"
    return f"{faker.street_address()}, {faker.postcode()} {faker.city()}"


if __name__ == "__main__":
    command, arguments = sys.argv[1], sys.argv[2:]
    if command == "convert":
        convert(arguments[0], arguments[1], int(arguments[2]))
    elif command == "score":
        score(*arguments[:3], show=len(arguments) > 3)
    elif command == "presidio":
        presidio(arguments[0])
    elif command == "generate":
        generate(arguments[0], int(arguments[1]), int(arguments[2]))
