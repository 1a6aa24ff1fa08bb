"""The shared phrases of the worked book: what people really say is heard, and what only looks like it is not."""

from __future__ import annotations

import pytest

from matrix import BOOK
from pytest_callqa import PhraseBook

PHRASES = PhraseBook.load(BOOK / "phrases")
SLOTS = {"organisation": ("the monitoring center hotline", "监控中心呼叫热线")}

# phrase: what it is heard in, and (after "---") what it is not heard in
EXAMPLES = {
    "offer_help": """
        how might i be of service
        what would you like me to help with
        what's the problem you're calling about today
        请问有什么能为您效劳
        我能为您做些什么
        ---
        the help button is on the left
        没有什么问题
        """,
    "apology": """
        please accept our sincere apologies
        i feel terrible about this
        I can't say sorry enough
        I uh I mean I'm sorry
        给您添麻烦了，实在抱歉
        我呃我是说对不起
        怎么道歉都不够
        还请您见谅
        ---
        no need to be sorry
        you never said sorry
        没什么对不起的
        您不用说对不起
        他没有道歉
        您不必道歉
        """,
    "ask_wait": """
        do you mind holding while i pull that up
        i'm going to place you on a brief hold is that okay
        give me one second let me check that for you
        麻烦您稍等一下
        您等我一分钟好吗
        ---
        i'll call you in a moment
        您不用等了
        """,
    "kept_waiting": """
        thanks for hanging on
        sorry that took so long
        谢谢您的等候
        ---
        the wait time is five minutes
        """,
    "invitation": """
        if anything else comes up just call us
        please call back if the problem returns
        有事您再来电话
        如果再出现这个情况您再联系我们
        ---
        i will call you again
        我给您打过来
        """,
    "goodbye": """
        you have a good one
        have a lovely rest of your day
        祝您工作顺利
        same to you
        gn
        ---
        he said goodbye to her
        i take care of the cameras
        they have a flight at noon
        祝贺你
        """,
    "hello": """
        Helllo, this is Ann
        heloo
        gm sir
        Hi. I was asked to say hello.
        ---
        please say hello to your wife
        my hi-fi system
        i said good morning to him
        """,
    "closing_wish": """
        It was my pleasure. Have a great day.
        Glad I could help. Enjoy your day.
        I appreciate you saying that. Have a pleasant ride.
        got it, have a good one
        i wish you well
        ---
        I've scheduled your visit
        enjoy the song
        a nice 1 star hotel
        i hope it will be a great time
        """,
    "anything_else": """
        is that everything for today
        can i help with anything else
        您看还有什么需要我帮忙的吗
        还有别的问题吗
        ---
        someone else called
        还有一个摄像头坏了
        """,
    "ask_contact": """
        what number can i call you back on
        is this the best number to call you back
        麻烦您提供一个手机号
        我怎么联系您呢
        ---
        what is your order number
        请您拿起电话
        """,
    "ask_details": """
        what exactly is going wrong
        would you mind telling me more about it
        能具体描述一下问题吗
        您能说说是怎么回事吗
        ---
        let me confirm the details
        情况已经处理好了
        """,
    "report_up": """
        i'll bring it to my manager's attention
        let me get my supervisor involved
        我会把您的问题上报给项目经理
        ---
        the alarm reported an error
        我会尽快处理
        """,
    "agent_cannot_answer": """
        i'd have to check with our technical team and get back to you
        i don't have that information at the moment
        这个问题我暂时回答不了
        ---
        i'm not sure i heard you
        i cannot hear you
        """,
    "uncivil": """
        Hey, what do you want
        you're wasting my time
        how should i know
        喂，你说什么
        跟你说了多少遍了
        这不关我的事
        ---
        hey can you hear me
        Uh huh.
        i don't know the exact time but i will check
        喂，您好，能听到我说话吗
        我不知道具体时间，马上帮您查
        您不用着急
        """,
    "curses": """
        what the hell is this
        fix the damn camera
        什么狗屁服务
        你有病吧
        ---
        the duck pond camera
        摄像头有毛病
        我操心的是录像
        他妈妈的电话
        """,
    "turns_away": """
        you'd have to call someone else
        你自己上网查吧
        ---
        our colleague in that department will call you
        我帮您问一下技术部门
        """,
    "customer_question": """
        which cable do i need
        i was wondering if you deliver
        can i watch two cameras at the same time
        你们几点下班
        可以退货吗
        ---
        that's what i said
        好的，我知道了
        """,
    "customer_problem": """
        the alarm won't turn off
        my screen went black
        画面一直卡着不动
        我的监控连不上网
        ---
        no problem at all
        没问题
        """,
    "customer_thanks": """
        thank you ever so much
        i really appreciate it
        太感谢了
        ---
        no thanks
        i'm doing well thank you for asking
        thanks for nothing
        """,
    "customer_nothing_more": """
        you too
        no that should be all for now
        No, that's great
        no that was going to be it
        no we're done
        that'll be all for today
        没别的事了
        ---
        no it does not work
        有没有办法
        """,
    "customer_complains": """
        your service is awful
        let me talk to a supervisor
        太让人失望了
        ---
        i am not complaining
        我没什么意见
        """,
    "customer_complains_hard_to_reach": """
        it took you ten minutes to pick up
        i've been calling all morning and nobody answers
        打了半天都没人接
        ---
        i called you yesterday
        请接电话
        """,
    "customer_complains_slow": """
        do you even know how to do this
        how much longer do i have to wait
        你到底会不会啊
        ---
        my internet is slow
        the billing screen is very slow
        画面很慢
        """,
    "customer_complains_attitude": """
        she hung up on me
        what kind of attitude is that
        对我爱答不理的
        ---
        your service is good
        态度很好
        """,
    "customer_registers": """
        my email has changed
        can you change the phone number on my account
        我搬家了，地址要改一下
        ---
        change the battery
        换一个摄像头
        """,
    "confirms_details": """
        let me just read that back to you
        your number has been changed
        跟您核对一下
        ---
        okay
        你说得对
        """,
    "names_reply_time": """
        you'll hear from us by tomorrow noon
        i will call you in about two hours
        明天上午给您回电
        两个工作日之内给您答复
        ---
        as soon as possible
        尽快联系您
        """,
    "asks_identity": """
        and can you confirm your password for me
        what's your mother's maiden name
        为了您的账户安全，先核实一下身份
        ---
        can you confirm the camera works
        确认一下画面
        """,
    "demands_repeat": """
        Huh? What?
        喂，什么
        ---
        Uh huh. Yes, correct.
        """,
    "explains_conclusion": """
        we know the reason why it failed
        原因是硬盘满了
        ---
        may i know the reason why you want to cancel
        """,
    "customer_does_not_understand": """
        i don't see what you mean
        听不太懂
        ---
        i can't hardly see what's even on the screen
        """,
    "asks_new_details": """
        please provide me with the new address and phone number
        新的手机号码是多少
        ---
        the new address is on the screen
        """,
    "personal_address": """
        is your address still 12 elm street
        您的地址是
        ---
        may i have two pieces of information: your email address and the last four digits of your phone number
        """,
    "personal_number": """
        the card ending in 1234
        your phone number is 555 0146
        您登记的手机号是一三八
        ---
        your case number is 1234
        could you provide your email address and the last four digits of your phone number
        may i have two pieces of personal information: your email address and your phone number
        您的工单号是1234
        """,
}
CASES = [
    pytest.param(name, said.strip(), heard, id=f"{name}-{'heard' if heard else 'not heard'}-{number}")
    for name, table in EXAMPLES.items()
    for heard, part in zip((True, False), table.split("---"), strict=True)
    for number, said in enumerate(part.strip().splitlines(), start=1)
]


@pytest.mark.parametrize(("name", "said", "heard"), CASES)
def test_phrase_is_heard_where_it_is_said(name: str, said: str, heard: bool) -> None:
    matcher = PHRASES.matcher("en" if said.isascii() else "zh", SLOTS)
    found = matcher.hits(said).get(name)
    assert bool(found) is heard, f"{said!r}: {found or matcher.nearest(said, name)}"
