"""What holds for composition whatever is published."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from agent.documents import pidf
from agent.documents.foreign import Foreign
from agent.documents.rpid import Ranged
from agent.documents.xml import is_ncname
from agent.presence.composition import Input, Mode, Policy, compose, normalise
from tests.agent.documents.frame import assert_valid
from tests.agent.documents.strategies import NOW, documents, quick

ALICE = "sip:alice@example.org"

inputs = st.lists(
    st.builds(
        Input,
        st.sampled_from(["p1", "p2", "p3", "p4"]),
        documents,
        st.sampled_from([30, 50]),
        st.integers(0, 3).map(lambda minutes: NOW - timedelta(minutes=minutes)),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda each: each.publication_id,
)
policies = st.builds(Policy, st.sampled_from([Mode.MERGE, Mode.KEEP_ALL]))


def components(document):
    return (*document.tuples, *document.persons, *document.devices)


def foreign_of(document):
    """Every unknown element at the level where composition works, the timeless ones."""
    found = set(document.extensions)
    for each in components(document):
        found |= {element for element in each.elements if isinstance(element, Foreign)}
    for each in document.tuples:
        found |= {element for element in each.status.elements if isinstance(element, Foreign)}
    return found


@quick
@given(inputs, st.randoms(use_true_random=False), policies)
def test_the_order_of_the_inputs_does_not_matter(publications, chance, policy):
    shuffled = list(publications)
    chance.shuffle(shuffled)
    one = compose(ALICE, publications, NOW, policy)
    two = compose(ALICE, shuffled, NOW, policy)
    assert one == two
    assert pidf.build(one.document) == pidf.build(two.document)


@quick
@given(documents, policies)
def test_who_stands_alone_is_composed_as_with_a_publication_that_says_nothing(document, policy):
    one = Input("p1", document, 50, NOW - timedelta(minutes=1))
    nothing = Input("p2", pidf.Presence(ALICE), 30, NOW - timedelta(minutes=2))
    assert compose(ALICE, [one], NOW, policy) == compose(ALICE, [one, nothing], NOW, policy)


@quick
@given(inputs)
def test_composing_the_result_again_changes_nothing(publications):
    once = compose(ALICE, publications, NOW).document
    assert normalise(once, NOW) == once


@quick
@given(inputs, policies)
def test_no_unknown_element_is_lost(publications, policy):
    published = set()
    for each in publications:
        published |= foreign_of(each.document)
    assert published <= foreign_of(compose(ALICE, publications, NOW, policy).document)


@quick
@given(inputs, policies)
def test_ids_are_unique_and_valid(publications, policy):
    document = compose(ALICE, publications, NOW, policy).document
    ids = [each.id for each in components(document)]
    for component in components(document):
        ids += [each.id for each in component.elements if isinstance(each, Ranged) and each.id is not None]
    assert len(ids) == len(set(ids))
    assert all(map(is_ncname, ids))


@quick
@given(inputs)
def test_a_refresh_moves_no_id(publications):
    later = [
        Input(each.publication_id, each.document, each.source_rank, each.published_at + timedelta(seconds=30))
        for each in publications
    ]
    one = compose(ALICE, publications, NOW).document
    two = compose(ALICE, later, NOW).document
    assert [each.id for each in components(one)] == [each.id for each in components(two)]


@quick
@given(inputs)
def test_what_is_composed_can_be_read_again(publications):
    document = compose(ALICE, publications, NOW).document
    assert pidf.parse(pidf.build(document)) == document


@quick
@given(inputs, policies)
def test_the_result_is_valid_whenever_all_devices_say_which_they_are(publications, policy):
    identified = [
        replace(
            each,
            document=replace(
                each.document, devices=tuple(device for device in each.document.devices if device.device_id)
            ),
        )
        for each in publications
    ]
    assert_valid(pidf.build(compose(ALICE, identified, NOW, policy).document))


@quick
@given(inputs)
def test_between_boundaries_nothing_changes(publications):
    result = compose(ALICE, publications, NOW)
    if result.next_boundary is None:
        later = NOW + timedelta(days=400)
    else:
        later = result.next_boundary - timedelta(microseconds=1)
    assert compose(ALICE, publications, later) == result


@quick
@given(documents, st.integers(2, 4))
def test_equal_publications_of_services_give_each_service_once(document, number):
    reachable = [each for each in document.tuples if each.contact is not None]
    plain = pidf.Presence(ALICE, tuple(reachable), persons=document.persons)
    alone = normalise(plain, NOW)
    same = [Input(f"p{n}", plain, 50, NOW) for n in range(number)]
    together = compose(ALICE, same, NOW).document
    assert len(together.tuples) == len(alone.tuples)
    assert len(together.persons) == len(alone.persons)


@quick
@given(documents)
def test_a_publication_of_other_people_s_devices_takes_nothing_away(document):
    """Removing an input removes only what it contributed: the tuples of the others stay as they were."""
    stranger = pidf.Presence(
        ALICE, (pidf.Tuple("of-a-stranger", pidf.Status("open"), (), pidf.Contact("sip:s@192.0.2.9")),)
    )
    alone = compose(ALICE, [Input("p1", document, 50, NOW)], NOW).document
    both = compose(ALICE, [Input("p1", document, 50, NOW), Input("p2", stranger, 99, NOW)], NOW).document
    assert set(alone.tuples) <= set(both.tuples)
    assert (alone.persons, alone.devices) == (both.persons, both.devices)
