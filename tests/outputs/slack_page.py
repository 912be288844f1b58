#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""slack_page.py: a message for Slack's incoming webhooks, from standard input, as a page in the look of Slack's application.

Only what deploy/presets/slack.yaml uses: attachments with a colour, sections and contexts of plain text. A text of Slack's has
three entities, &amp; &lt; &gt;; everything else is shown as it is.
"""

import html
import json
import sys


def text(t):
    if t["type"] != "plain_text":
        raise ValueError(f"not plain text: {t}")
    return html.escape(html.unescape(t["text"]))


def block(b):
    if b["type"] == "section":
        return f'<p class="section">{text(b["text"])}</p>'
    if b["type"] == "context":
        return '<p class="context">' + "".join(f"<span>{text(e)}</span>" for e in b["elements"]) + "</p>"
    raise ValueError(f"unknown block: {b}")


messages = []
for line in sys.stdin:
    m = json.loads(line)
    parts = "".join(
        f'<div class="attachment" style="border-color:{html.escape(a["color"])}">' + "".join(map(block, a["blocks"])) + "</div>" for a in m["attachments"]
    )
    messages.append(f'<div class="message"><b>Mews</b> <small>APP</small><p class="text">{html.escape(html.unescape(m["text"]))}</p>{parts}</div>')
print(
    """<!DOCTYPE html><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><style>
body { margin: 0; padding: 12px 16px; font: 15px/1.46 Lato, sans-serif; color: #1d1c1d; background: #fff; overflow-wrap: anywhere }
.message { margin: 0 0 16px } p { margin: 0 } small { font-size: 10px; background: #e8e8e8; color: #616061; padding: 1px 3px; border-radius: 2px }
.attachment { border-left: 4px solid; border-radius: 4px; padding: 2px 0 2px 12px; margin-top: 4px } .section { margin: 4px 0; white-space: pre-wrap }
.context { font-size: 13px; color: #616061; margin: 4px 0 } .context span { margin-right: 10px }
</style>"""
    + "\n".join(messages)
)
