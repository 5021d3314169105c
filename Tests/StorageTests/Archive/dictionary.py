#!/usr/bin/env python3
"""Makes the dictionary with which archived messages are compressed, as Swift source on standard output.

    Tests/StorageTests/Archive/dictionary.py 1 > Sources/Storage/Archive/PayloadDictionary+1.swift

A dictionary that is in use never changes: rows of archives name its number. A better one gets the next number, and the
old one stays. Needs the command zstd; the samples are made up here, always the same.
"""
import base64
import random
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

WORDS = {
    "en": "the be to of and a in that have I it for not on with he as you do at this but his by from they we say her she or "
    "an will my one all would there their what so up out if about who get which go me when make can like time no just him "
    "know take people into year your good some could them see other than then now look only come its over think also back "
    "after use two how our work first well way even new want because any these give day most us meeting tomorrow today "
    "please thanks thank you okay sure maybe later call phone office customer server message file project report review "
    "deadline question answer problem fixed deploy build test release ticket number minutes morning afternoon evening "
    "sorry great nice sounds see done waiting sent received attached link document check update let know quick lunch "
    "coffee home train late tonight weekend photo where is are was were been has had did does don't can't it's I'm I'll "
    "we're you're that's",
    "de": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass "
    "sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr durch man "
    "heute morgen bitte danke ich du wir ihr mir dir uns kann können muss gut schon jetzt dann hier da wann warum "
    "besprechung termin kunde bericht frage datei gerne genau vielleicht später Uhr",
    "fr": "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont avec on mais je vous "
    "nous tu merci bonjour demain aujourd'hui réunion s'il oui non c'est j'ai très bien fait aussi peut être",
    "es": "de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le ha me si sin sobre "
    "este ya entre cuando todo esta ser son dos también fue había era muy años hasta desde está mi porque qué sólo gracias "
    "hola mañana reunión hoy bueno vale",
    "ru": "и в не на я быть он с что а по это она этот к но они мы весь который из у так за свой то ты от все для же вы год "
    "мочь человек такой сказать только или ещё бы себя один как да нет спасибо привет завтра сегодня хорошо встреча",
}
CHINESE = [
    "你好", "谢谢", "明天", "今天", "会议", "我们", "可以", "一下", "什么", "时候", "问题", "文件", "已经", "收到", "没有", "下午", "上午", "项目", "服务器",
    "消息", "请", "帮忙", "看看", "知道", "了", "的", "是", "在", "吗", "吧", "好的", "晚点", "再说", "客户", "报告", "完成", "测试", "更新", "周末", "一起",
    "吃饭", "电话", "现在", "应该", "不是", "这个", "那个", "怎么", "需要", "时间",
]
NAMES = "alice bob carol dave erin frank grace heidi ivan judy mallory niaj olivia peggy romeo juliet victor walter".split()
DOMAINS = ["example.org", "example.com", "chat.example.net", "xmpp.example.de", "im.example.cn"]
CLIENTS = ["Conversations.{}", "gajim.{}", "dino.{}", "Monal-iOS.{}", "converse.js-{}", "Psi+", "mobile", "laptop", "{}"]
EMOJI = ["👍", "😂", "❤️", "🙏", "🎉", "😊", "👀", "🤔", "✅", "🔥"]

random_ = random.Random(0xA1)


def token(count):
    return "".join(random_.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") for _ in range(count))


def identifier():
    return random_.choice([lambda: str(uuid.UUID(int=random_.getrandbits(128), version=4)), lambda: token(21), lambda: token(8)])()


def sentence():
    language = random_.choices(["en", "zh", "de", "fr", "es", "ru"], [50, 20, 10, 6, 7, 7])[0]
    if language == "zh":
        return "".join(random_.choice(CHINESE) for _ in range(random_.randint(2, 14))) + random_.choice(["。", "？", "！", ""])
    words = WORDS[language].split()
    text = " ".join(random_.choice(words) for _ in range(random_.randint(1, 14)))
    return text[0].upper() + text[1:] + random_.choice([".", "?", "!", "", ""])


def body():
    text = " ".join(sentence() for _ in range(random_.choices([1, 2, 3, 4], [55, 25, 15, 5])[0]))
    if random_.random() < 0.1:
        text += " " + random_.choice(EMOJI)
    if random_.random() < 0.1:
        text += " https://www.example.org/" + token(12)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("'", random_.choice(["'", "&apos;"]))


def content(id):
    kind = random_.random()
    peer = f"{random_.choice(NAMES)}@{random_.choice(DOMAINS)}"
    origin = f"<origin-id xmlns='urn:xmpp:sid:0' id='{id}'/>"
    extras = [
        "<active xmlns='http://jabber.org/protocol/chatstates'/>",
        "<request xmlns='urn:xmpp:receipts'/>",
        "<markable xmlns='urn:xmpp:chat-markers:0'/>",
        origin,
    ]
    if kind < 0.62:
        return f"<body>{body()}</body>" + "".join(e for e in extras if random_.random() < 0.6)
    if kind < 0.68:
        return f"<received xmlns='urn:xmpp:receipts' id='{identifier()}'/><store xmlns='urn:xmpp:hints'/>"
    if kind < 0.74:
        return f"<displayed xmlns='urn:xmpp:chat-markers:0' id='{identifier()}'/><store xmlns='urn:xmpp:hints'/>"
    if kind < 0.78:
        return (
            f"<reactions xmlns='urn:xmpp:reactions:0' id='{identifier()}'><reaction>{random_.choice(EMOJI)}</reaction>"
            "</reactions><store xmlns='urn:xmpp:hints'/>"
        )
    if kind < 0.82:
        return f"<body>{body()}</body><replace xmlns='urn:xmpp:message-correct:0' id='{identifier()}'/>{origin}"
    if kind < 0.85:
        url = f"https://upload.{random_.choice(DOMAINS)}/{token(24)}/{token(8)}.{random_.choice(['jpg', 'png', 'pdf'])}"
        return f"<body>{url}</body><x xmlns='jabber:x:oob'><url>{url}</url></x>{origin}"
    if kind < 0.88:
        return (
            f"<body>&gt; {body()}\n{body()}</body><reply xmlns='urn:xmpp:reply:0' id='{identifier()}' to='{peer}'/>"
            "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='42'/></fallback>"
        )
    if kind < 0.91:
        return (
            f"<retract xmlns='urn:xmpp:message-retract:1' id='{identifier()}'/>"
            "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:message-retract:1'/>"
            "<body>This person attempted to retract a previous message, but it's unsupported by your client.</body>"
            "<store xmlns='urn:xmpp:hints'/>"
        )
    if kind < 0.97:
        keys = "".join(
            f"<key rid='{random_.getrandbits(31)}'{random_.choice([chr(32) + 'prekey=' + chr(39) + 'true' + chr(39), ''])}>"
            f"{base64.b64encode(random_.randbytes(48)).decode()}</key>"
            for _ in range(random_.randint(1, 3))
        )
        return (
            f"<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='{random_.getrandbits(31)}'>{keys}"
            f"<iv>{base64.b64encode(random_.randbytes(12)).decode()}</iv></header>"
            f"<payload>{base64.b64encode(random_.randbytes(random_.randint(10, 80))).decode()}</payload></encrypted>"
            "<encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl' name='OMEMO'/>"
            "<body>I sent you an OMEMO encrypted message but your client doesn't seem to support that. "
            f"Find more information on https://conversations.im/omemo</body><store xmlns='urn:xmpp:hints'/>{origin}"
        )
    return (
        f"<propose xmlns='urn:xmpp:jingle-message:0' id='{token(22)}'><description xmlns='urn:xmpp:jingle:apps:rtp:1' "
        "media='audio'/></propose><request xmlns='urn:xmpp:receipts'/><store xmlns='urn:xmpp:hints'/>"
    )


def message():
    domain = random_.choice(DOMAINS)
    resource = random_.choice(CLIENTS).format(token(4))
    receiver = f"{random_.choice(NAMES)}{random_.choice(['', '.smith', str(random_.randint(1, 999))])}@{random_.choice([domain, domain, random_.choice(DOMAINS)])}"
    if random_.random() < 0.2:
        receiver += "/" + random_.choice(CLIENTS).format(token(4))
    id = identifier()
    language = random_.choice(["", "", " xml:lang='en'", " xml:lang='de'", " xml:lang='zh'"])
    return (
        f"<message xmlns='jabber:client' from='{random_.choice(NAMES)}{random_.choice(['', '.smith', str(random_.randint(1, 999))])}@{domain}/{resource}' to='{receiver}'"
        f"{random_.choices([' type=' + chr(39) + 'chat' + chr(39), ''], [9, 1])[0]} id='{id}'{language}>{content(id)}</message>"
    )


def main():
    number = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        samples = Path(folder, "samples")
        samples.mkdir()
        for index in range(12_000):
            (samples / f"{index:05}").write_text(message(), encoding="utf-8")
        dictionary = Path(folder, "dictionary")
        subprocess.run(
            ["zstd", "-q", "--train", "-r", str(samples), "--maxdict=12288", "-o", str(dictionary)],
            check=True, stderr=subprocess.DEVNULL,
        )
        text = base64.b64encode(dictionary.read_bytes()).decode()
    print("// Made by Tests/StorageTests/Archive/dictionary.py; never to be changed, for archives refer to it.")
    print()
    print("extension PayloadDictionary {")
    print("    /// Trained with messages of usual clients in several languages; base 64.")
    print(f'    static let text{number}: StaticString = """')
    for start in range(0, len(text), 112):
        end = "" if start + 112 >= len(text) else "\\"
        print(f"        {text[start:start + 112]}{end}")
    print('        """')
    print("}")


if __name__ == "__main__":
    main()
