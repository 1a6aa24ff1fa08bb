"""What a conversation costs: with a TwiML app in this process, and beside botium-core on the same echo bot.

Both talk to one server over HTTP, in turns of so many conversations; the times told are medians of the turns.
botium-core is taken from the folder that BOTIUM names, where `npm install botium-core` was run; without it only the
first half is measured.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from pathlib import Path

from flask import Flask, Response
from twilio.twiml.voice_response import Gather, VoiceResponse

from benchmarks.measure import save
from pytest_callqa.bots import Move
from pytest_callqa.bots.driver import Conversation, drive
from pytest_callqa.bots.spec import find_bot
from pytest_callqa.bots.twiml import Options, Twiml
from pytest_callqa.bots.voice import VoiceBot
from pytest_callqa.bots.web import Web

SILENT, SHORT, TURNS = 1000, 1000, 5

ECHO = """
const server = require('http').createServer((request, response) => {
  let body = ''
  request.on('data', (part) => { body += part })
  request.on('end', () => {
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify({ reply: 'You said ' + JSON.parse(body).message }))
  })
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
"""

BOTIUM = """
const { BotDriver } = require('botium-core')
const [url, count] = process.argv.slice(1)
const turns = require('readline').createInterface({ input: process.stdin })
async function main () {
  const driver = new BotDriver()
    .setCapability('CONTAINERMODE', 'simplerest')
    .setCapability('SIMPLEREST_URL', url)
    .setCapability('SIMPLEREST_METHOD', 'POST')
    .setCapability('SIMPLEREST_BODY_TEMPLATE', '{"message": "{{msg.messageText}}"}')
    .setCapability('SIMPLEREST_RESPONSE_JSONPATH', '$.reply')
  const container = await driver.Build()
  for await (const _ of turns) {
    const began = process.hrtime.bigint()
    for (let number = 0; number < Number(count); number++) {
      await container.Start()
      for (const text of ['hello', 'goodbye']) {
        await container.UserSays({ messageText: text })
        const said = await container.WaitBotSays()
        if (said.messageText !== 'You said ' + text) throw new Error(said.messageText)
      }
      await container.Stop()
    }
    console.log(JSON.stringify(Number(process.hrtime.bigint() - began) / 1e9))
  }
  await container.Clean()
}
main().catch((error) => { console.error(error); process.exit(1) })
"""


def hotline() -> Flask:
    """A menu that asks a silent caller three times and takes leave."""
    app = Flask(__name__)

    @app.post("/voice")
    def voice() -> Response:
        response = VoiceResponse()
        for _ in range(3):
            gather = Gather(num_digits=1, timeout=5, action="/key")
            gather.say("Hello, welcome to Acme. For sales press 1, for support press 2.")
            response.append(gather)
        response.say("Sorry, there is no sound on your phone. Please call again. Goodbye!")
        response.pause(length=6)
        return Response(str(response), mimetype="text/xml")

    return app


def silent_calls() -> dict[str, float]:
    bot = VoiceBot(Twiml(Web("/voice", app=hotline()), Options()))
    virtual = 0.0
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(SILENT):
        with Conversation(bot) as conversation:
            while not conversation.ended:
                conversation.send(Move(wait=30))
            virtual += conversation.call().duration or 0.0
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {
        "conversations_a_second": SILENT / wall,
        "conversations_a_cpu_second": SILENT / cpu,
        "virtual_to_real": virtual / wall,
        "virtual_to_cpu": virtual / cpu,
    }


def against_botium(folder: Path) -> dict[str, float]:
    """Milliseconds for the same short conversations with the same server, ours and theirs in turns."""
    server = subprocess.Popen(["node", "-e", ECHO], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    url = f"http://127.0.0.1:{server.stdout.readline().strip()}/chat"
    botium = subprocess.Popen(
        ["node", "-e", BOTIUM, "--", url, str(SHORT // TURNS)],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert botium.stdin is not None
    assert botium.stdout is not None
    bot = find_bot(f"http:{url}")
    ours: list[float] = []
    theirs: list[float] = []
    try:
        for _ in range(TURNS):
            botium.stdin.write("again\n")
            botium.stdin.flush()
            theirs.append(float(json.loads(botium.stdout.readline())))
            began = time.perf_counter()
            for _ in range(SHORT // TURNS):
                call = drive(bot, [Move(text="hello"), Move(text="goodbye")])
                assert call.turns[-1].text == "You said goodbye"
            ours.append(time.perf_counter() - began)
        botium.communicate(timeout=30)
    finally:
        for process in (botium, server):
            process.kill()
            process.wait()
    milliseconds = 1000 / (SHORT / TURNS)
    return {
        "conversations": SHORT,
        "ours_ms": statistics.median(ours) * milliseconds,
        "botium_ms": statistics.median(theirs) * milliseconds,
        "times_faster": statistics.median(their / our for their, our in zip(theirs, ours, strict=True)),
    }


def main() -> None:
    figures: dict[str, object] = {"silent_call": silent_calls()}
    folder = os.environ.get("BOTIUM")
    if folder:
        figures["botium"] = against_botium(Path(folder))
    save("bots", figures)


if __name__ == "__main__":
    main()
