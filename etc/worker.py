"""A bot to begin with; put yours into answer().

    switchhook queue run ai --batch --reply -- \\
        python3 /usr/share/doc/switchhook/examples/worker.py

What it prints is the reply, and nothing is none. Exit status 0: done; 10:
people are to answer; any other, as of an exception: it comes again later, and
after some tries it is a dead letter with its reason.

It is never run twice at a time for one conversation. A run that is killed half
way has its messages come again, and only the reply of one that ended counts;
whatever else it does, such as an order that it places, has to stand a repeat.
"""
import json
import os
import sys

PEOPLE = 10


def texts_of(lines):
    """The text of each message, "" of a picture."""
    for line in lines:
        message = json.loads(line)["twilio_message"]
        # A parameter of a form is a list of its values; what came as JSON is
        # as it was, in an event inside of "data".
        message = message.get("data", message)
        body = message.get("Body", message.get("body", ""))
        yield body[0] if isinstance(body, list) else body


def answer(conversation, texts):
    """The reply to what was written in a row; "": none; None: people are to
    answer."""
    said = "\n".join(text for text in texts if text)
    if any(word in said.casefold() for word in ("human", "agent", "person")):
        return None
    if not said:
        return ""
    print("answers", conversation, file=sys.stderr)
    return f"Thank you! We have read:\n{said[:1500]}"


def main():
    reply = answer(os.environ.get("SWITCHHOOK_CONVERSATION", ""),
                   list(texts_of(sys.stdin)))
    if reply is None:
        return PEOPLE
    # Whatever the locale is.
    sys.stdout.buffer.write(reply.encode())
    return 0


if __name__ == "__main__":
    sys.stdin.reconfigure(encoding="utf-8")
    sys.exit(main())
