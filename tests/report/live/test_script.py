import base64
import hashlib
import json
import re

from forecast.report.live.script import embedded, live_script, live_style


def test_the_hash_of_the_policy_is_that_of_the_text_between_the_tags():
    script, source = live_script()
    text = re.fullmatch(r"<script>(.*)</script>", script, re.DOTALL)[1]
    assert source == "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
    assert "</" not in text.replace("</script>", "") and "<!--" not in text


def test_the_script_is_under_thirty_kilobytes_and_fetches_nothing():
    script, _ = live_script()
    assert len(script.encode()) < 30_000
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|innerHTML|insertAdjacentHTML|document\.write|eval\(", script)
    assert set(re.findall(r"https?://[^\"' ]+", script)) == {"http://www.w3.org/2000/svg"}
    assert "url(" not in live_style() and "<" not in live_style()


def test_no_name_ends_the_element_of_the_data():
    names = ["</script><script>alert(1)</script>", "<!--<script>", "]]>", "\u2028", "&amp;", "\ud800"]
    found = embedded({"names": names})
    inside = re.fullmatch(r'<script type="application/json" id="live-data">(.*)</script>', found, re.DOTALL)[1]
    assert not set("<>&") & set(inside) and inside.isascii()
    assert json.loads(inside)["names"] == names
