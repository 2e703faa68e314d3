"""Checks of numbers that carry a proof of themselves: cards, IBANs, national identity numbers, machine-readable passports, telephones.

None reads the clock: where python-stdnum asks whether a date of birth lies in the future, the check digits are computed without it,
so that the same evidence gives the same result next year.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from types import MappingProxyType
from typing import Any

import phonenumbers

# Issuer ranges in use and the lengths of their numbers (ISO/IEC 7812). Visa's 13 digits are left out: none were issued for decades, and
# every tenth 13-digit id would pass.
_ISSUERS: tuple[tuple[int, int, tuple[int, ...]], ...] = (
    (4, 4, (16, 19)),  # Visa
    (51, 55, (16,)),  # Mastercard
    (2221, 2720, (16,)),  # Mastercard
    (34, 34, (15,)),  # American Express
    (37, 37, (15,)),  # American Express
    (6011, 6011, (16, 19)),  # Discover
    (644, 659, (16, 19)),  # Discover, RuPay
    (3528, 3589, (16, 19)),  # JCB
    (300, 305, (14, 16)),  # Diners Club
    (36, 36, (14,)),  # Diners Club
    (38, 39, (14, 16)),  # Diners Club
    (62, 62, (16, 17, 18, 19)),  # UnionPay
    (2200, 2204, (16,)),  # Mir
    (5018, 5018, (16,)),  # Maestro
    (5020, 5020, (16,)),  # Maestro
    (5038, 5038, (16,)),  # Maestro
    (6304, 6304, (16,)),  # Maestro
    (6759, 6763, (16,)),  # Maestro
)
_MRZ_WEIGHTS = (7, 3, 1)  # ICAO 9303-3, 4.9
_MIN_DISTINCT = 3  # a card number of one or two digits repeated is a placeholder


def card(value: str) -> bool:
    """Tell whether the digits are a card number: issuer range, its length, Luhn (ISO/IEC 7812-1, annex B)."""
    digits = _digits(value)
    issued = any(
        low <= int(digits[: len(str(low))] or -1) <= high and len(digits) in lengths for low, high, lengths in _ISSUERS
    )
    return issued and len(set(digits)) >= _MIN_DISTINCT and luhn(digits)


def luhn(digits: str) -> bool:
    """Tell whether the last digit checks the others (ISO/IEC 7812-1, annex B)."""
    doubled = (int(char) * (1 + place % 2) for place, char in enumerate(reversed(digits)))
    return bool(digits) and sum(number // 10 + number % 10 for number in doubled) % 10 == 0


def track(value: str) -> bool:
    """Tell whether a magnetic stripe's track 1 or 2 begins with a card number (ISO/IEC 7813)."""
    number = value.lstrip("%Bb;").partition("^")[0].partition("=")[0]
    return card(number)


def phone(value: str) -> bool:
    """Tell whether a number with country code exists in that country's numbering plan (ITU-T E.164, libphonenumber's metadata)."""
    digits = value.strip()
    try:
        parsed = phonenumbers.parse("+" + digits[2:] if digits.startswith("00") else digits, None)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_valid_number(parsed))


def passport_mrz(value: str) -> bool:
    """Tell whether the second line of a passport's machine-readable zone has its check digits (ICAO 9303-4, 4.2.2) and a filler."""
    if len(value) != 44 or "<<" not in value or not value.isascii():
        return False
    fields = (value[0:10], value[13:20], value[21:28])
    whole = value[0:10] + value[13:20] + value[21:43]
    return all(_mrz(field[:-1]) == field[-1] for field in fields) and _mrz(whole) == value[43]


def _mrz(text: str) -> str:
    values = (0 if char == "<" else int(char, 36) if char.isalnum() else 0 for char in text)
    return str(sum(value * _MRZ_WEIGHTS[place % 3] for place, value in enumerate(values)) % 10)


def stdnum(module: str, value: str) -> bool:
    """Tell whether python-stdnum's `module` accepts the value; only ASCII reaches it, so a digit is 0 to 9."""
    return value.isascii() and bool(_module(module).is_valid(value))


def belgian(value: str) -> bool:
    """Tell whether the last two digits check the others, of a birth before 2000 or after (be.nn)."""
    digits = _digits(value)
    if len(digits) != 11 or int(digits[2:4]) > 12 or int(digits[4:6]) > 31:
        return False
    return int(digits[9:]) in (97 - int(digits[:9]) % 97, 97 - int("2" + digits[:9]) % 97)


def norwegian(value: str) -> bool:
    """Tell whether both check digits hold and the first six are a date, also of D and H numbers (no.fodselsnummer)."""
    digits = _digits(value)
    if len(digits) != 11 or not (0 < int(digits[:2]) % 40 <= 31 and 0 < int(digits[2:4]) % 40 <= 12):
        return False
    plan = _module("no.fodselsnummer")
    return bool(plan.calc_check_digit1(digits) == digits[9] and plan.calc_check_digit2(digits) == digits[10])


def swedish(value: str) -> bool:
    """Tell whether the last ten digits pass Luhn and begin with a date, also of coordination numbers (se.personnummer)."""
    digits = _digits(value)[-10:]
    return len(digits) == 10 and 0 < int(digits[2:4]) <= 12 and 0 < int(digits[4:6]) % 60 <= 31 and luhn(digits)


def south_african(value: str) -> bool:
    """Tell whether 13 digits pass Luhn, begin with a date and name a citizenship (za.idnr)."""
    digits = _digits(value)
    dated = len(digits) == 13 and 0 < int(digits[2:4]) <= 12 and 0 < int(digits[4:6]) <= 31
    return dated and digits[10] in "012" and luhn(digits)


def danish(value: str) -> bool:
    """Tell whether the number begins with a date; its check digit is out of use since 2007 (dk.cpr)."""
    digits = _digits(value)
    return len(digits) == 10 and 0 < int(digits[:2]) % 60 <= 31 and 0 < int(digits[2:4]) <= 12


def _digits(value: str) -> str:
    return "".join(char for char in value if char in "0123456789")


_modules: dict[str, Any] = {}


def _module(name: str) -> Any:
    """Return a module of python-stdnum, read when it is first needed: a scan needs few of them."""
    if name not in _modules:
        _modules[name] = import_module(f"stdnum.{name}")
    return _modules[name]


# Modules of python-stdnum that patterns name, with the dots as underscores: `validator = "pl_pesel"`.
_STDNUM = (
    "iban", "al.nipt", "ar.cuit", "at.vnr", "au.tfn", "bg.egn", "br.cpf", "ca.sin", "ch.ssn", "cl.rut", "cn.ric", "co.nit", "cz.rc",
    "de.idnr", "do.cedula", "ec.ci", "ee.ik", "es.dni", "es.nie", "fi.hetu", "fr.nif", "fr.nir", "gb.nhs", "gb.upn", "gb.utr", "gr.amka",
    "hr.oib", "ie.pps", "il.idnr", "in_.aadhaar", "in_.epic", "in_.vid", "is_.kennitala", "it.codicefiscale", "jp.in_", "kr.rrn",
    "lt.asmens", "lv.pvn", "mu.nid", "mx.curp", "mx.rfc", "nl.bsn", "nz.ird", "pl.pesel", "pt.cc", "pt.nif", "ro.cnp", "ru.inn",
    "si.emso", "th.pin", "tr.tckimlik", "ua.rntrc", "us.itin", "us.ssn", "ve.rif",
)  # fmt: skip

CHECKS: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        **{name.replace(".", "_"): partial(stdnum, name) for name in _STDNUM},
        "be_nn": belgian,
        "card": card,
        "dk_cpr": danish,
        "no_fodselsnummer": norwegian,
        "passport_mrz": passport_mrz,
        "phone": phone,
        "se_personnummer": swedish,
        "track": track,
        "za_idnr": south_african,
    }
)
