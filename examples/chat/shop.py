"""A small chat bot with FastAPI: it answers a question, a complaint, and everything else."""

from __future__ import annotations

from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Said(BaseModel):
    """What the customer says."""

    username: str
    message: str


@app.post("/chat")
def chat(said: Said) -> dict[str, str]:
    """Answer."""
    text = said.message.lower()
    if not text:
        return {"reply": "Hello, welcome to call the monitoring center hotline. What can I do for you?"}
    if "damn" in text or "idiot" in text or "hell" in text:
        return {"reply": "Do not talk to me like that."}
    return {"reply": "I see. Please tell me more."}
