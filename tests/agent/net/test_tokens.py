from agent.net.tokens import Tokens


def test_no_token_comes_twice_and_each_is_as_long() -> None:
    one, other = Tokens(), Tokens()
    drawn = [tokens() for _ in range(500) for tokens in (one, other)]
    assert len(set(drawn)) == 1000
    assert {len(token) for token in drawn} == {16}
    assert all(int(token, 16) >= 0 for token in drawn)
