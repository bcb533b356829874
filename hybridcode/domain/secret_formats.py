"""Secrets that can be known by how they are written: keys of providers, private keys, headers, addresses.

Invariant: a format is looked for only in texts that hold one of its hints; what is found is the secret alone.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import NamedTuple

from hybridcode.domain.secret_guess import is_placeholder, is_random


class Span(NamedTuple):
    """A piece of a text that is a secret."""

    start: int
    end: int
    kind: str


class _Format(NamedTuple):
    kind: str
    hint: str
    """Stands in every text that holds such a secret."""
    pattern: re.Pattern[str]
    """Its group `s` is the secret, the whole match if it has none."""
    must_be_random: bool = False
    in_any_case: bool = False
    """The hint is in lower case, the text may hold it in any, and the pattern begins with it."""
    lead: int = 0
    """Characters of the secret before what the pattern finds."""


def _format(
    kind: str, hint: str, pattern: str, *, must_be_random: bool = False, in_any_case: bool = False, lead: int = 0
) -> _Format:
    return _Format(kind, hint, re.compile(pattern), must_be_random, in_any_case, lead)


def _begins(kind: str, start: str, rest: str, *, must_be_random: bool = False) -> _Format:
    """A secret that begins with `start`, which no letter or digit precedes: a search for `start` is fast."""
    head = re.escape(start)
    return _Format(kind, start, re.compile(rf"{head}(?<![A-Za-z0-9]{head}){rest}"), must_be_random)


FORMATS: tuple[_Format, ...] = (
    _begins("jwt", "eyJ", r"[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
    *(_begins("aws-key-id", start, r"[0-9A-Z]{16}(?![0-9A-Z])") for start in ("AKIA", "ASIA", "ABIA", "ACCA")),
    *(
        _format(
            "aws-secret",
            name,
            rf"(?i:{name})\\?[\"']?\s*[:=]\s*\\?[\"']?(?P<s>[A-Za-z0-9/+=]{{40,}})",
            in_any_case=True,
        )
        for name in ("aws_secret_access_key", "secretaccesskey", "aws_session_token", "sessiontoken")
    ),
    *(
        _format("azure-key", name, rf"(?i:{name})(?P<s>[A-Za-z0-9+/]{{40,}}=*)", in_any_case=True)
        for name in ("accountkey=", "sharedaccesskey=")
    ),
    _format("azure-sas", "sig=", r"[?&]sig=(?P<s>[A-Za-z0-9%/+]{40,}(?:%3[Dd]|=))"),
    *(_format("azure-secret", mark, rf"[\w~.-]{{3}}{mark}[\w~.-]{{31,34}}") for mark in ("8Q~", "7Q~")),
    _begins("github-token", "gh", r"[oprsu]_[A-Za-z0-9]{36,}"),
    _begins("github-token", "github_pat_", r"\w{40,}"),
    _begins("gitlab-token", "gl", r"(?:pat|dt|rt|cbt|ptt|ft|soat|imt|oas|agent)-[\w.-]{20,}"),
    _begins("gitlab-token", "GR1348941", r"[\w-]{20,}"),
    _begins("bitbucket-token", "ATBB", r"[A-Za-z0-9]{28,}"),
    _begins("atlassian-token", "AT", r"[AC]TT3x[\w=-]{40,}"),
    _begins("slack-token", "xox", r"[abceoprs]-[\w.-]{10,}"),
    _begins("slack-token", "xapp-", r"[\w.-]{10,}"),
    _begins("slack-token", "xwfp-", r"[\w.-]{10,}"),
    _format(
        "slack-webhook", "hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<s>[\w/+-]{20,})"
    ),
    *(
        _begins("discord-token", start, r"[DTjz][\w-]{22,26}\.[\w-]{6}\.[\w-]{27,38}(?![\w-])", must_be_random=True)
        for start in "MNO"
    ),
    _format("discord-webhook", "/api/webhooks/", r"discord(?:app)?\.com/api/webhooks/(?P<s>\d{15,}/[\w-]{50,})"),
    _format("telegram-token", ":AA", r"(?<!\d)\d{8,10}:AA[\w-]{33}(?![\w-])"),
    *(_begins("stripe-key", start, r"(?:live|test)_[A-Za-z0-9]{20,}") for start in ("sk_", "rk_", "pk_")),
    _begins("webhook-secret", "whsec_", r"[A-Za-z0-9+/=]{24,}"),
    _begins("twilio-key", "SK", r"[0-9a-f]{32}(?![0-9a-f])"),
    _begins("sendgrid-key", "SG.", r"[\w-]{16,32}\.[\w-]{32,64}"),
    _begins("mailgun-key", "key-", r"[0-9a-f]{32}(?![0-9a-f])"),
    _format(
        "mail-key",
        "-",
        r"-(?<=(?<![A-Za-z0-9])[0-9a-f]{32}-)(?:us\d{1,2}(?!\w)|[0-9a-f]{8}-[0-9a-f]{8}(?![0-9a-f-]))",
        lead=32,
    ),
    _begins("api-key", "sk-", r"(?:[a-z]+\w*-)*[\w-]{20,}"),
    _begins("google-key", "AIza", r"[\w-]{35}"),
    _begins("google-oauth", "ya29.", r"[\w-]{20,}"),
    _begins("google-oauth", "GOCSPX-", r"[\w-]{20,}"),
    _begins("google-oauth", "1//0", r"[\w-]{40,}"),
    _begins("huggingface-token", "hf_", r"[A-Za-z0-9]{30,}"),
    _begins("huggingface-token", "api_org_", r"[A-Za-z0-9]{30,}"),
    _begins("groq-key", "gsk_", r"[A-Za-z0-9]{40,}"),
    _begins("xai-key", "xai-", r"[A-Za-z0-9]{40,}"),
    _begins("replicate-token", "r8_", r"[A-Za-z0-9]{30,}"),
    _begins("perplexity-key", "pplx-", r"[A-Za-z0-9]{40,}"),
    _begins("npm-token", "npm_", r"[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
    _format("npm-token", "_authToken", r"_authToken\s*=\s*(?P<s>[^\s\"'\[$]{8,})"),
    _begins("pypi-token", "pypi-", r"[\w-]{50,}"),
    _begins("rubygems-key", "rubygems_", r"[0-9a-f]{48}"),
    _begins("docker-token", "dckr_", r"[po]at_[\w-]{20,}"),
    _format(
        "docker-auth", '"auth', r"\\?\"auth\\?\"\s*:\s*\\?\"(?P<s>[A-Za-z0-9+/]{12,}={0,2})\\?\"", must_be_random=True
    ),
    _begins("databricks-token", "dapi", r"[0-9a-f]{32}(?:-\d)?"),
    *(_begins("digitalocean-token", start, r"_v1_[0-9a-f]{64}") for start in ("doo", "dop", "dor")),
    _begins("shopify-token", "shp", r"(?:at|ca|pa|ss|ua)_[0-9a-fA-F]{32,}"),
    _begins("square-token", "sq0", r"[a-z]{3}-[\w-]{22,}"),
    _begins("square-token", "EAAA", r"[\w-]{56,}"),
    _format("terraform-token", ".atlasv1.", r"(?<![A-Za-z0-9])[A-Za-z0-9]{14}\.atlasv1\.[\w-]{50,}"),
    *(_begins("vault-token", start, r"[\w-]{24,}") for start in ("hvs.", "hvb.", "hvr.")),
    _begins("age-key", "AGE-SECRET-KEY-1", r"[0-9A-Za-z]{58}"),
    _begins("grafana-token", "glsa_", r"[A-Za-z0-9]{32}_[0-9a-fA-F]{8}"),
    _begins("grafana-token", "glc_", r"[A-Za-z0-9+/=]{32,}"),
    _begins("sentry-token", "sntry", r"[su]_[\w+/=-]{40,}"),
    _begins("newrelic-key", "NRAK-", r"[A-Z0-9]{27}"),
    _begins("linear-key", "lin_api_", r"[A-Za-z0-9]{32,}"),
    _begins("notion-token", "ntn_", r"[A-Za-z0-9]{40,}"),
    _begins("figma-token", "figd_", r"[\w-]{30,}"),
    _begins("postman-key", "PMAK-", r"[0-9a-f]{24}-[0-9a-f]{34}"),
    _begins("pulumi-token", "pul-", r"[0-9a-f]{40}"),
    _begins("doppler-token", "dp.", r"(?:pt|st|ct|sa|scim|audit)\.(?:[\w-]+\.)?[A-Za-z0-9]{40,}"),
    _begins("planetscale-token", "pscale_", r"(?:tkn|pw|oauth)_[\w.=-]{30,}"),
    _begins("fly-token", "fm2_", r"[A-Za-z0-9+/=]{40,}"),
    _begins("supabase-token", "sbp_", r"[0-9a-f]{40}"),
    _begins("tailscale-key", "tskey-", r"[a-z]+-[A-Za-z0-9]+-[A-Za-z0-9]{20,}"),
    _begins("airtable-token", "pat", r"[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    _begins("heroku-key", "HRKU-", r"[\w-]{36,}"),
    _begins("contentful-token", "CFPAT-", r"[\w-]{40,}"),
    _begins("dynatrace-token", "dt0", r"[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    _begins("langsmith-key", "lsv2_", r"(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    _begins("buildkite-token", "bkua_", r"[0-9a-f]{40}"),
    _begins("circleci-token", "CCIPAT_", r"[A-Za-z0-9]{16,}_[0-9a-f]{40}"),
    _begins("sonar-token", "sq", r"[uap]_[0-9a-f]{40}"),
    _begins("mapbox-token", "sk.eyJ", r"[\w-]{40,}\.[\w-]{20,}"),
    _begins("posthog-key", "phx_", r"[A-Za-z0-9]{40,}"),
    _begins("resend-key", "re_", r"[A-Za-z0-9]{8}_[A-Za-z0-9]{24}(?![A-Za-z0-9])"),
    _begins("brevo-key", "xkeysib-", r"[0-9a-f]{64}-[A-Za-z0-9]{16}"),
    _begins("nvidia-key", "nvapi-", r"[\w-]{60,}"),
    _begins("tavily-key", "tvly-", r"[\w-]{30,}"),
    _begins("api-key", "e2b_", r"[0-9a-f]{40}"),
    _begins("fireworks-key", "fw_", r"[A-Za-z0-9]{22,24}(?![A-Za-z0-9])", must_be_random=True),
    _format("npm-token", "_auth", r"(?<![A-Za-z0-9])_auth\s*=\s*(?P<s>[A-Za-z0-9+/]{12,}={0,2})", must_be_random=True),
    *(
        _format("command-password", program, pattern, must_be_random=True)
        for program, pattern in (
            ("curl ", r"curl [^\n|;&]{0,200}?(?:-u|--user)[ =]?[\"']?[^\s:\"']{1,80}:(?P<s>[^\s\"'@]{6,200})"),
            ("mysql", r"mysql(?:dump|admin)?\s[^\n|;&]{0,200}?(?<=\s)-p(?P<s>[^\s\"']{6,200})"),
            ("sshpass ", r"sshpass\s+-p\s*[\"']?(?P<s>[^\s\"']{6,200})"),
            (
                " login ",
                r"(?:docker|podman|helm registry|az|skopeo) login [^\n|;&]{0,200}?-p[ =][\"']?(?P<s>[^\s\"']{6,200})",
            ),
        )
    ),
    _format(
        "auth-header",
        "authorization",
        r"(?i:authorization\\?[\"']?\s{0,4}[:=,]\s{0,4}\\?[\"']?(?:(?:bearer|basic|token|apikey)\s+)?)(?P<s>[A-Za-z0-9+/=._~-]{12,})",
        must_be_random=True,
        in_any_case=True,
    ),
    *(
        _format(
            "auth-header",
            scheme,
            rf"(?i:(?<!\w){scheme})\s*(?P<s>[A-Za-z0-9+/=._~-]{{12,}})",
            must_be_random=True,
            in_any_case=True,
        )
        for scheme in ("bearer ", "basic ")
    ),
    _format(
        "cookie",
        "cookie",
        r"(?i:(?<![A-Za-z0-9])cookie\\?[\"']?\s*[:=]\s*\\?[\"']?)(?P<s>[\w.-]+=[^\s\"'\[\\]{12,}(?:;\s*[\w.-]+=[^\s\"'\[\\]*)*)",
        must_be_random=True,
        in_any_case=True,
    ),
    _format(
        "netrc-password",
        "machine ",
        r"(?<!\w)(?i:machine)\s+\S+\s+(?:login\s+\S+\s+)?password\s+(?P<s>[^\s\[]{4,})",
        in_any_case=True,
    ),
    _format(
        "password-hash",
        "$",
        r"\$(?<![\w$]\$)(?:2[abxy]\$\d\d\$[./A-Za-z0-9]{53}|apr1\$[^$\s]{1,8}\$[./A-Za-z0-9]{22}"
        r"|[156]\$(?:rounds=\d+\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{22,86}|argon2id?\$[\w$,=+/.-]{40,})",
    ),
    _format("password-hash", "SHA}", r"\{S?SHA\}(?P<s>[A-Za-z0-9+/]{27,}=*)"),
    _format(
        "url-password",
        "://",
        r"://[^\s/:@\"'<>\[\]{}]{0,80}:(?P<s>[^\s/@\"'\[<>{}$]{3,200})@",
    ),
)
"""In order of how specific they are: the first one names the kind."""

_WORDS_STAND_THERE = frozenset({"url-password", "netrc-password", "npm-token", "auth-header", "cookie"})
"""Kinds whose places hold anything: what stands for a secret is left."""
_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(r"-----END (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_MOST_OF_A_KEY = 20_000
"""Characters between the first and the last line of a private key, at most."""
_KEY_LINES = re.compile(
    r"(?:(?:\\+[rn])?[A-Za-z0-9+/=]{16,}(?:\\+[rn])*)*[^\n]{0,3}"
    r"(?:\n(?:[ \t+|>:#*\"'0-9-]{0,16}(?:[A-Za-z0-9+/=]{16,}[ \t\"',;+\\nr]{0,6}|[A-Z][\w-]{2,20}: [^\n]{0,200})?"
    r"\r?(?=\n|\Z)))*"
)
_KEY_LINES_BEFORE = re.compile(r"(?:[ \t+|>:#*\"'0-9-]{0,16}[A-Za-z0-9+/=\\]{1,2000}[ \t\"',;+]{0,6}\r?(?:\n|\Z))+\Z")
_WRAPPED_KEY = re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{30,}={0,2}(?:\s{1,20}[A-Za-z0-9+/]{20,}={0,2})*")
_PUTTY = re.compile(r"Private-Lines: \d+\r?\n(?:[A-Za-z0-9+/=]{4,}\r?\n?)+")


def known_formats(text: str, lowered: str) -> Iterator[Span]:
    """Every secret of a known format; spans may overlap. `lowered` is the text in lower case."""
    for form in FORMATS:
        if form.hint not in (lowered if form.in_any_case else text):
            continue
        for found in _matches(form, text, lowered):
            group = "s" if form.pattern.groupindex else 0
            start, end = found.span(group)
            secret = text[start - form.lead : end]
            if form.must_be_random and not is_random(secret):
                continue
            if form.kind not in _WORDS_STAND_THERE or not is_placeholder(secret):
                yield Span(start - form.lead, end, form.kind)
    yield from _private_keys(text)


def _matches(form: _Format, text: str, lowered: str) -> Iterator[re.Match[str]]:
    if not form.in_any_case:
        yield from form.pattern.finditer(text)
        return
    at = lowered.find(form.hint)
    while at >= 0:
        if found := form.pattern.match(text, at):
            yield found
        at = lowered.find(form.hint, at + 1)


def _private_keys(text: str) -> Iterator[Span]:
    """Private keys, also without their first or last lines, and base64 of them."""
    if "PRIVATE KEY" in text:
        done = 0
        for begin in _BEGIN.finditer(text):
            if begin.start() < done:
                continue
            end = _END.search(text, begin.end(), begin.end() + _MOST_OF_A_KEY)
            lines = _KEY_LINES.match(text, begin.end())
            done = end.end() if end else max(begin.end(), lines.end() if lines else 0)
            yield Span(begin.start(), done, "private-key")
        for end in _END.finditer(text):
            first = text.rfind("-----BEGIN", 0, end.start())
            before = _KEY_LINES_BEFORE.search(text[max(first, end.start() - _MOST_OF_A_KEY, 0) : end.start()])
            if before and _BEGIN.match(text, first) is None:
                yield Span(end.start() - len(before[0]), end.end(), "private-key")
    if "LS0tLS1CRUdJTi" in text:
        for found in _WRAPPED_KEY.finditer(text):
            if _holds_private_key(found[0]):
                yield Span(*found.span(), "private-key")
    if "Private-Lines:" in text:
        for found in _PUTTY.finditer(text):
            yield Span(*found.span(), "private-key")


def _holds_private_key(encoded: str) -> bool:
    head = re.sub(r"\s", "", encoded)[:80]
    try:
        return b"PRIVATE KEY" in base64.b64decode(head[: len(head) // 4 * 4])
    except binascii.Error:
        return False
