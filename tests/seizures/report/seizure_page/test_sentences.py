"""Each sentence of a page, word by word, in every state."""

from __future__ import annotations

import dataclasses
import re

import pytest
from seizure_pages import BARE, CLASSIFIER, SIMILAR, UNFAMILIAR, example, states

from seizures.report.seizure_page import belief, data, numbers, sentences
from seizures.report.seizure_page.payload import payload, segment_words

NBSP = "\u00a0"


def plain(text: str) -> str:
    return text.replace(NBSP, " ")


def with_verdict(page: data.SeizurePage, **changes: object) -> data.SeizurePage:
    return dataclasses.replace(page, verdict=dataclasses.replace(page.verdict, **changes))


CALLED = with_verdict(example(), low=0.924, high=0.966, settled_seconds=14.0)


@pytest.mark.parametrize(
    ("page", "tone", "title", "lead", "more"),
    [
        (
            CALLED,
            "positive",
            "Looks like TCS",
            "95 in 100 for TCS; the answer holds from 14 s after the onset, 3 s before the clonic onset.",
            "TCS: focal to bilateral tonic-clonic seizure. 3 trained copies of the classifier say 92 to 97 in 100 for "
            "TCS.",
        ),
        (
            with_verdict(example(probability=0.08, marker=None), low=0.05, high=0.1, settled_seconds=None),
            "negative",
            "Looks like FOS",
            "92 in 100 for FOS.",
            "FOS: focal onset seizure that stays focal. 3 trained copies of the classifier say 90 to 95 in 100 for "
            "FOS.",
        ),
        (
            with_verdict(example(probability=0.56), low=0.48, high=0.64),
            "",
            "No call",
            "56 in 100 for TCS: too close to say.",
            "Below 35 it calls FOS, above 65 it calls TCS; between the two it was too often wrong on patients that it "
            "had not seen. 3 trained copies of the classifier say 48 to 64 in 100 for TCS.",
        ),
        (
            example(belief=UNFAMILIAR),
            "stop",
            "Unfamiliar film: do not rely on this",
            "It would say TCS, 95 in 100. But this film is unlike those it learned from, so nobody knows how often it "
            "is right here.",
            UNFAMILIAR.reasons[0],
        ),
        (
            example(belief=dataclasses.replace(UNFAMILIAR, trained_on=True), probability=0.2),
            "stop",
            "It was trained on this film",
            "It says FOS (80 in 100), but it was told the answer while it learned. This page tests nothing.",
            "Use the cross-validated answer of this seizure instead: it comes from a classifier that never saw this "
            "patient.",
        ),
        (
            with_verdict(CALLED, is_calibrated=False, num_seeds=1),
            "positive",
            "Looks like TCS",
            "A score of 0.95 for TCS; the answer holds from 14 s after the onset, 3 s before the clonic onset.",
            "TCS: focal to bilateral tonic-clonic seizure. Only one copy of the classifier was trained, so how far "
            "copies differ is not known. The score lies between 0 and 1 and is no probability: it was not compared "
            "with how often the classifier is right.",
        ),
    ],
)
def test_the_headline(page, tone, title, lead, more):
    said = sentences.headline(page)
    assert (said.tone, said.title, plain(said.lead), plain(said.more)) == (tone, title, lead, more)


@pytest.mark.parametrize(
    ("settled", "marker", "text"),
    [
        (14.0, 17.4, "the answer holds from 14 s after the onset, 3 s before the clonic onset"),
        (20.0, 17.4, "the answer holds from 20 s after the onset, 3 s after the clonic onset"),
        (17.0, 17.4, "the answer holds from 17 s after the onset, at the clonic onset"),
        (14.0, None, "the answer holds from 14 s after the onset"),
        (130.0, None, "the answer holds from 2 min 10 s after the onset"),
        (None, 17.4, ""),
    ],
)
def test_the_moment(settled, marker, text):
    page = with_verdict(example(marker=marker and data.Marker("clonic onset", marker)), settled_seconds=settled)
    assert plain(sentences.moment_sentence(page)) == text


def test_no_moment_is_told_where_the_answer_means_nothing():
    for changed in ({"belief": UNFAMILIAR}, {"belief": data.Belief(True, (), True)}):
        page = with_verdict(example(**changed), settled_seconds=14.0)
        assert sentences.moment_sentence(page) == ""
        assert payload(page)["words"]["holds"] == ""
        assert belief.num_dots(page) is None
    assert payload(CALLED)["words"]["holds"] == f"holds from 14{NBSP}s"


def kinds(page: data.SeizurePage) -> list[tuple[str, str]]:
    return [(check.kind, check.title) for check in belief.checks(page)]


def test_the_checks_of_each_state():
    assert kinds(states()["called"]) == [
        ("ok", "Sure enough to be called"),
        ("ok", "A familiar kind of film"),
        ("ok", "Never saw this film"),
        ("ok", "The views agree"),
        ("ok", "The record says TCS too"),
    ]
    assert kinds(states()["uncalibrated"])[:4] == [
        ("unknown", "It never abstains"),
        ("warn", "Not calibrated"),
        ("unknown", "A familiar kind of film? Not known"),
        ("unknown", "Seen in training? Not known"),
    ]
    assert kinds(states()["unfamiliar"])[:2] == [("warn", "It would be sure enough"), ("stop", "Unfamiliar film")]
    assert ("stop", "It learned from this film") in kinds(states()["trained_on"])
    assert kinds(states()["trained_on"])[-1] == ("unknown", "The record says TCS")
    no_call = belief.checks(states()["no_call"])
    assert (no_call[0].kind, no_call[0].title) == ("warn", "Too close to call")
    assert no_call[0].text == "Inside the no-call zone, 35 to 65."
    assert no_call[-1].text == "The classifier leans to TCS. Known label, not shown to the classifier for this answer."
    assert ("warn", "One view only") in kinds(states()["attention"])


def test_views_that_disagree_and_films_with_holes_are_told():
    page = example()
    first = dataclasses.replace(page.views[0], probability=0.3, low=0.2, high=0.4, black=((3.0, 5.5),))
    found = {check.title: check for check in belief.checks(dataclasses.replace(page, views=(first, page.views[1])))}
    assert found["The views disagree"].text == "Large view says FOS and Small view says TCS."
    assert plain(found["Parts of the film are missing"].text) == (
        "Large view: 2.5 s without a picture to believe: damaged or missing."
    )


def test_how_good_it_is():
    title, said = belief.accuracy_sentences(CALLED)
    assert plain(title) == "89 % right"
    assert plain(belief.interval_words(CLASSIFIER.accuracy)) == "76 to 96 %"
    assert [plain(sentence) for sentence in said] == [
        "95 % interval 76 to 96 %, cross-validated by patient.",
        "Learned from 35 seizures of 12 patients (simulated); that is few.",
        "It makes no call in 14 of 100; of those it calls it gets 93 % (80 to 99 %) right.",
        CLASSIFIER.calibration,
    ]


def test_a_classifier_of_which_nothing_is_known():
    title, said = belief.accuracy_sentences(example(classifier=BARE, belief=data.Belief()))
    assert title == ""
    assert said == [
        "The classifier came without scores, so how often it is right is not known.",
        "On how many patients it was trained is not known.",
    ]
    page = example(classifier=BARE, belief=data.Belief())
    assert belief.range_sentence(page) == "What its training seizures were like did not come with the classifier."
    many = dataclasses.replace(BARE, num_patients=1, num_seizures=1, accuracy=data.Score(0.5), share_not_called=0.0)
    assert belief.accuracy_sentences(example(classifier=many))[1] == [
        "Without an interval.",
        "Learned from 1 seizure of 1 patient; that is few.",
    ]
    many = dataclasses.replace(BARE, num_patients=40, num_seizures=90, share_not_called=0.2)
    assert belief.accuracy_sentences(example(classifier=many))[1][1:] == [
        "Learned from 90 seizures of 40 patients.",
        "It makes no call in 20 of 100.",
    ]


@pytest.mark.parametrize(
    ("deletion", "kind", "title"),
    [
        (data.Deletion(0.34, (0.01,) * 20), "clear", "clear"),
        (data.Deletion(0.34, (*(0.01,) * 18, 0.5, 0.6)), "unclear", "unclear"),
        (data.Deletion(0.04, (0.01,) * 20), "unclear", "unclear"),
        (data.Deletion(0.34, ()), "unknown", "not tested"),
        (None, "unknown", "not tested"),
    ],
)
def test_the_light_of_what_moved_the_answer(deletion, kind, title):
    light = belief.explanation(dataclasses.replace(CALLED, deletion=deletion))
    assert (light.kind, light.title) == (kind, f"What moved the answer: {title}")
    assert light.numbers.startswith("Start, the average training seizure: 46. All bars together move it to 95.")


def test_the_numbers_of_the_light():
    light = belief.explanation(dataclasses.replace(CALLED, deletion=data.Deletion(0.34, (0.001, 0.02, 0.1))))
    assert light.numbers.endswith(
        "With the most telling quarter of the segments replaced by the average, the answer moves by 34 in 100; with a "
        "random quarter by 2 (95 of 100 random quarters: less than 1 to 10); 100 of 100 random quarters move "
        "it less."
    )
    assert belief.explanation(states()["uncalibrated"]).numbers == ""
    bare = with_verdict(dataclasses.replace(CALLED, deletion=data.Deletion(0.34, (0.001, 0.02))), is_calibrated=False)
    assert "in 100" not in belief.explanation(bare).numbers
    assert "the answer moves by 0.34; with a random quarter by 0.01" in belief.explanation(bare).numbers


def test_no_sentence_tells_a_reason():
    for page in states().values():
        said = [*vars(sentences.headline(page)).values(), *vars(belief.explanation(page)).values()]
        said += [check.text for check in belief.checks(page)] + list(payload(page)["words"].values())
        said += [sentences.footer(page), belief.range_sentence(page)]
        assert not re.search(r"\b(reason|because of|caused? the answer)\b", str(said))


def test_similar_seizures():
    page = dataclasses.replace(CALLED, similar=SIMILAR)
    assert belief.similar_sentence(page) == (
        "4 TCS and 1 FOS among the 5 training seizures that are most alike to the network, which need not be alike to "
        "a clinician. They are of this house, and leave it with no classifier."
    )


def test_the_first_line_warns_of_pictures():
    assert sentences.patient_banner(CALLED) == ("quiet", "Simulated: drawn by a program, shows nobody.")
    bare = dataclasses.replace(CALLED, is_simulated=False)
    assert sentences.patient_banner(bare)[1].startswith("Made without pictures. It still describes one patient")


def test_chips_and_the_last_lines():
    assert [text for _, text in sentences.chips(states()["uncalibrated"])] == [
        "not calibrated",
        "research only, not a medical device",
    ]
    assert [text for _, text in sentences.chips(states()["unfamiliar"])][:2] == ["simulated", "unfamiliar"]
    assert "must not decide about treatment" in sentences.footer(CALLED)
    assert plain(sentences.how_long(CALLED)) == "33.6 s from onset to offset \u00b7 2 views"


def test_the_page_of_all_counts_what_was_said():
    assert sentences.summary_sentence(list(states().values())) == (
        "8 seizures: 4 look like TCS, 1 looks like FOS, 1 got no call, 1 on unfamiliar film and 1 on film that it was "
        "trained on. The record agrees with 2 of 2 calls that it can judge."
    )
    assert sentences.summary_sentence([CALLED]) == "1 seizure: 1 looks like TCS."


def test_numbers_as_a_reader_meets_them():
    assert [numbers.in_100(p) for p in (0.0, 0.004, 0.505, 0.996, 1.0)] == [1, 1, 51, 99, 99]
    texts = [
        numbers.seconds_text(t, d) for t, d in ((3.04, 1), (-0.01, 1), (-2.5, 1), (119.0, 0), (120.0, 0), (3725.0, 0))
    ]
    assert [plain(text) for text in texts] == ["3.0 s", "0.0 s", "\u22122.5 s", "119 s", "2 min", "62 min 5 s"]
    assert numbers.listed(["a", "b", "c"]) == "a, b and c"
    assert numbers.listed(["a"]) == "a"
    assert [numbers.signed(value) for value in (0.5, -0.25)] == ["+0.50", "\u22120.25"]
    assert plain(numbers.plain(1234.5)) in ("1 234", "1 235")


def test_a_reader_of_the_screen_hears_the_answer_at_each_moment():
    curve = payload(CALLED)["curve"]
    assert len(curve["spoken"]) == len(curve["seconds"])
    assert re.fullmatch(r"95 in 100 for TCS, trained copies \d+ to \d+", curve["spoken"][-1])
    bare = with_verdict(CALLED, is_calibrated=False)
    assert re.fullmatch(
        r"a score of 0\.95 for TCS, trained copies 0\.\d+ to 0\.\d+", payload(bare)["curve"]["spoken"][-1]
    )


def test_a_bar_says_what_it_moved():
    page = example(views=("room",), weights=True)
    one = dataclasses.replace(page.views[0].segments[0], value=-0.5, weight=0.25)
    said = [plain(line) for line in segment_words(page, page.views[0], one)]
    assert said[0] == "room, 0.0 s to 2.1 s"
    assert said[1] == "moved the answer towards FOS"
    assert re.fullmatch(r"\d+ % of all that moved it \(\u22120\.50 log-odds\)", said[2])
    assert said[3] == "attention 25 %"
