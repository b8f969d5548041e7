"""Trains the quality classifier and fastText on the same documents and compares both with the human labels of quality-filter: area under
the ROC curve.

    python oracle/quality.py DATA ONTO [WORK]     DATA: the folder of real data; needs fasttext-numpy2-wheel 0.9.2, scikit-learn, zstd on the path

First by five-fold cross-validation on the labels, five times with other folds: both sides learn from four fifths and are asked about the
rest. Then trained on other text, of which neither side has seen a label: good documents are articles of html-extract, the encyclopedia of
mix-sources (some sentences a document) and the C4 pages of web-warc; bad ones what html-extract's pages have beside their articles, and
the spam of quality-filter's messages. All combinations are printed, so that none is picked. No setting of either side was chosen by these
labels: ours are the defaults of `onto corpus classifier train`; fastText has its defaults with pairs of words, and more passes, since its
defaults learn little from so few documents.
"""
import gzip, html, json, os, random, re, subprocess, sys

import fasttext
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

PEERS = {
    "fastText, defaults with pairs of words": {},
    "fastText, 25 passes, rate 0.5, 16 numbers": dict(epoch=25, lr=0.5, dim=16),
    "fastText, 100 passes, rate 0.5, 16 numbers": dict(epoch=100, lr=0.5, dim=16),
}


def unpacked(path):
    return subprocess.run(["zstd", "-dc", path], capture_output=True, check=True).stdout.decode(errors="ignore")


def documents(data):
    """Kinds of good and of bad documents."""
    kinds = {"encyclopedia": [], "articles": [], "pages of C4": [], "beside articles": [], "spam": []}
    for line in open(f"{data}/mix-sources/wiki_demo.txt", encoding="utf8"):
        sentences = re.split(r"(?<=[.!?]) ", line)
        kinds["encyclopedia"] += [" ".join(sentences[at:at + 12]) for at in range(0, len(sentences), 12)]
    kinds["pages of C4"] = [json.loads(line)["text"] for line in open(f"{data}/web-warc/c4_demo.jsonl", encoding="utf8")]
    for key, page in json.load(open(f"{data}/html-extract/ground-truth.json", encoding="utf8")).items():
        article = page.get("articleBody") or ""
        kinds["articles"].append(article)
        text = gzip.open(f"{data}/html-extract/{key}.html.gz", "rt", encoding="utf8", errors="ignore").read()
        text = re.sub(r"(?is)<(script|style|noscript)\b.*?</\1>", " ", text)
        text = re.sub(r"(?i)<(br|p|div|li|h\d|tr|td)\b[^>]*>", "\n", text)
        text = html.unescape(re.sub(r"<[^>]+>", " ", text))
        lines = [line.strip() for line in text.split("\n")]
        kinds["beside articles"].append("\n".join(line for line in lines if line and line[:40] not in article))
    for line in unpacked(f"{data}/quality-filter/sms-spam.csv.zst").split("\n")[1:]:
        fields = line.split(",", 2)
        if len(fields) == 3 and fields[1] == "1":
            kinds["spam"].append(fields[2].strip('"'))
    return {name: [text for text in texts if text.strip()] for name, texts in kinds.items()}


def ours(onto, work, good, bad, texts):
    """Scores of `texts` by the classifier that `onto` trains on good and bad documents."""
    def write(name, texts):
        os.makedirs(f"{work}/{name}", exist_ok=True)
        with open(f"{work}/{name}/documents.jsonl", "w") as file:
            file.writelines(json.dumps({"id": f"{name}-{i}", "text": text}) + "\n" for i, text in enumerate(texts))
        return f"{work}/{name}"
    subprocess.run([onto, "--quiet", "corpus", "classifier", "train", "--positive", write("good", good), "--negative", write("bad", bad),
                    "--out", f"{work}/classifier"], check=True, stdout=subprocess.DEVNULL)
    scored = subprocess.run([onto, "--quiet", "corpus", "classifier", "score", "--classifier", f"{work}/classifier", write("asked", texts)],
                            check=True, capture_output=True, text=True)
    rows = {row["id"]: row["score"] for row in map(json.loads, scored.stdout.splitlines())}
    return [rows[f"asked-{i}"] for i in range(len(texts))]


def theirs(work, good, bad, texts, options):
    norm = lambda text: re.sub(r"\s+", " ", text.lower())
    lines = [f"__label__1 {norm(text)}" for text in good] + [f"__label__0 {norm(text)}" for text in bad]
    random.Random(0).shuffle(lines)
    with open(f"{work}/fasttext.txt", "w") as file:
        file.write("\n".join(lines) + "\n")
    model = fasttext.train_supervised(f"{work}/fasttext.txt", wordNgrams=2, thread=1, verbose=0, **options)
    # fastText's own predict does not work with NumPy 2.
    answers = [model.f.predict(norm(text) + "\n", 2, 0.0, "strict") for text in texts]
    return [dict((label, chance) for chance, label in answer).get("__label__1", 0.0) for answer in answers]


def main():
    data, onto = sys.argv[1], os.path.abspath(sys.argv[2])
    work = sys.argv[3] if len(sys.argv) > 3 else "oracle/out/quality"
    os.makedirs(work, exist_ok=True)
    labelled = [json.loads(line) for line in unpacked(f"{data}/quality-filter/dclm_quality.jsonl.zst").split("\n") if line]
    texts, labels = [row["text"] for row in labelled], [row["label"] for row in labelled]
    sides = {"onto": None, **PEERS}
    def score(name, good, bad, asked):
        return ours(onto, work, good, bad, asked) if sides[name] is None else theirs(work, good, bad, asked, sides[name])
    print(f"{len(labels)} labels, {sum(labels)} of them good\n\nfive-fold cross-validation, five times (mean, least, most)")
    found = {name: [] for name in sides}
    for seed in range(5):
        scores = {name: [0.0] * len(labels) for name in sides}
        for learn, ask in StratifiedKFold(5, shuffle=True, random_state=seed).split(texts, labels):
            good, bad = ([texts[i] for i in learn if labels[i] == label] for label in (1, 0))
            for name in sides:
                for i, value in zip(ask, score(name, good, bad, [texts[i] for i in ask])):
                    scores[name][i] = value
        for name in sides:
            found[name].append(roc_auc_score(labels, scores[name]))
    for name, areas in found.items():
        print(f"  {name:45} {sum(areas) / len(areas):.4f}  {min(areas):.4f} {max(areas):.4f}")
    kinds = documents(data)
    print("\ntrained on other text: " + ", ".join(f"{len(texts)} {name}" for name, texts in kinds.items()))
    goods = [["encyclopedia", "articles", "pages of C4"], ["articles"], ["encyclopedia", "articles"], ["pages of C4"]]
    for bads in [["beside articles", "spam"], ["beside articles"]]:
        for goods_now in goods:
            good, bad = (sum((kinds[name] for name in names), []) for names in (goods_now, bads))
            print(f"  {' + '.join(goods_now)} against {' + '.join(bads)}")
            for name in sides:
                print(f"    {name:45} {roc_auc_score(labels, score(name, good, bad, texts)):.4f}", flush=True)


if __name__ == "__main__":
    main()
