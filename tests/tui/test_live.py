from driving import driving
from scenes import drafting

from hybridcode.session.watchers import Piece
from hybridcode.tui.app import DRAIN_S


async def test_live_text_lets_a_key_go_first_and_comes_all_the_same() -> None:
    async with driving(drafting()) as drive:
        await drive.pilot.pause(0.2)
        desk = drive.app.desk
        drive.clock.now += 1.0
        desk.sight.typed_at = drive.clock.now
        waits = [desk.may_wait() for _ in range(12)]
        assert waits == [True] * 5 + [False] + [True] * 5 + [False]
        drive.clock.now += 1.0
        assert not desk.may_wait()
        drive.talk.live.put(Piece("text", "call-3", "\nnew words", "2"))
        await drive.press("a", after=0.0)
        await drive.pilot.pause(DRAIN_S * 8)
        assert "new words" in drive.told
