"""The lines of the scripted model, by what it is asked for. Slots: `{a}` and `{b}` are what the question is about, always
after a preposition, so that one and many read well; `{subject}` is the question itself, `{Subject}` with a capital.
"""

from __future__ import annotations

THOUGHTS = (
    "The question is about {a}, so I should settle first what the words mean.",
    "There are two ways to read this; the plainer one is the better start.",
    "I will begin with what is certain about {a}, and leave what is disputed for later.",
    "A short answer with one example will serve better than a list of everything.",
)
LOOKING = "Let me look up what is known about {a} before I answer."
OPENINGS = (
    "The short answer about **{a}**: slope, water and time decide, in that order.",
    "Three things are worth knowing about **{a}**, and the third is the one that people forget.",
    "Whoever hears about **{a}** for the first time thinks of the main channel and misses the side arms.",
)
SENTENCES = (
    "What matters in the story of {a} is the order of things: what came first shapes what can come after.",
    "Measured over a year the variation is small; measured over an hour it is everything.",
    "It pays to look at the matter from upstream, where the causes are, and not from the mouth.",
    "The numbers agree with the maps, which is less common than one would wish.",
    "Most surprises in the history of {b} come from two small changes that met earlier than expected.",
    "Where the water slows down it drops what it carried, and that is how new ground is made.",
    "A flood does in three days what quiet water does in thirty years.",
    "Nothing is lost on the way: what leaves the main course comes back to it further down.",
    "A careful observer writes down the time before the level, never after it.",
)
POINTS = (
    "**Source** — where the water comes from, and how much of it there is.",
    "**Course** — the way it takes, by the `main` channel or by one of the arms.",
    "**Level** — how high the water stands now, against the mean of the year.",
    "**Confluence** — where the arms meet again and the order is settled.",
)
TABLE = """### In figures

| Reach | Slope | Mean flow |
|---|---:|---:|
| Headwaters | 4.1 m/km | 12 m³/s |
| Middle course | 0.6 m/km | 315 m³/s |
| Delta | 0.02 m/km | 890 m³/s |"""
WORKED_OUT = """### Worked out

The flow is the cross-section times the mean speed, $Q = w \\cdot d \\cdot v$:

```python
def flow(width_m: float, depth_m: float, speed_m_s: float) -> float:
    return width_m * depth_m * speed_m_s

print(flow(120, 3.5, 0.75))  # 315.0 m³/s
```"""
LISTED = "### What to watch"

ROLES = (
    (
        "how your team will answer",
        (
            "Our analyst looks at the figures while our researcher reads what has been written about {a}.",
            "What both of them find is then shown as a table, a chart and a short report.",
        ),
    ),
    ("introduce a table", ("The table and the chart show the figures behind the answer: {subject}.",)),
    (
        "differ about",
        (
            "They agree on what it costs, and differ on who should carry the risk, and for how long.",
            "One side counts in centuries and the other in years, and both count correctly.",
        ),
    ),
    (
        "weigh both sides",
        (
            "Both sides have the facts about {a} right, and differ on what they are worth.",
            "The case in favour is the stronger one over a century, the case against over the next ten years; a trial on a "
            "small scale would serve both.",
        ),
    ),
    (
        "answer that as one who is in favour",
        (
            "The risk is real, but it is there today as well, and those who carry it were never asked.",
            "What is shared by everybody can be paid for by everybody, and then the sum is a small one.",
        ),
    ),
    (
        "answer that as one who is against",
        (
            "Then let us count what the first small step has brought before anybody pays for the second.",
            "A century is a long time to wait for a promise, and nobody who made it will be there.",
        ),
    ),
    (
        "argue in favour",
        (
            "The gain is a lasting one: what is done for {a} once pays back for decades.",
            "Every year of waiting makes the same step dearer, and those who took it early do not want to go back.",
            "It costs less than it seems, because half of the work is to stop doing what does harm.",
        ),
    ),
    (
        "argue against",
        (
            "The benefit comes slowly and is shared by everybody; the cost comes at once and is carried by a few.",
            "What worked elsewhere had more room and more money, and neither can be had here by deciding it.",
            "Smaller steps would show sooner what is good for {a}, and they can be taken back.",
        ),
    ),
    (
        "ship's log",
        (
            "{Subject}: water steady, wind light, all well.",
            "{Subject}: the level fell by a hand's breadth, and the crew is rested.",
            "{Subject}: a little mist, clear by the time the kettle boiled.",
        ),
    ),
    (
        "tell travellers",
        (
            "Along {a}, look at the outer bank of each bend, where the water cuts, and at the inner one, where it builds.",
            "Keep an eye on the colour, too: brown water is on its way, green water has had time.",
        ),
    ),
    ("say goodbye", ("Safe travels to everyone who came along; the boat leaves again with the morning water.",)),
)
"""Words of a prompt, and what is said to it; the first that fit count. What a prompt gives as facts, notes or findings is
said again instead of these.
"""
