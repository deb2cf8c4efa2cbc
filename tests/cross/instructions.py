# SPDX-License-Identifier: MIT
"""The decoder of A64 against objdump: where each instruction goes on, what it does, the register that it writes, and
what it reads or writes in memory.

usage: instructions.py BUILD FILE...   ELF files of 64-bit Arm; prints how many instructions agree, and which do not"""

import collections
import pathlib
import re
import subprocess
import sys

LINE = re.compile(r"^\s*([0-9a-f]+):\s+([0-9a-f]{8})\s+(\S+)\s*(.*)$")
NEXT, CALL, BRANCH, JUMP, RETURN, _, STOP, INDIRECT = range(8)
FLOWS = {"bl": CALL, "blr": CALL, "b": JUMP, "br": INDIRECT, "ret": RETURN, "retaa": RETURN, "retab": RETURN,
         "cbz": BRANCH, "cbnz": BRANCH, "tbz": BRANCH, "tbnz": BRANCH,
         **{f"blra{key}{zero}": CALL for key in "ab" for zero in ("", "z")},
         **{f"bra{key}{zero}": INDIRECT for key in "ab" for zero in ("", "z")},
         **{name: STOP for name in ("brk", "hlt", "udf", "hvc", "smc", "eret", "eretaa", "eretab", "drps", "dcps1", "dcps2", "dcps3")}}
(NOTHING, UNKNOWN, COMPARE, NUMBER, INSERT, ADDRESS, PAGE, ADD, SUBTRACT, AND, OR, XOR, MULTIPLY, SHIFT, EXTEND, SELECT,
 LOAD, STORE, EXCHANGE, UPDATE, VECTOR, THREAD, KERNEL, MOVE_STACK) = range(24)
VECTOR_LOAD, VECTOR_STORE = 3, 4
# What else a mnemonic may be: shifts by a register and parts of a register are not followed.
OPERATIONS = {
    "add": {ADD}, "adds": {ADD}, "sub": {SUBTRACT}, "subs": {SUBTRACT}, "neg": {SUBTRACT}, "negs": {SUBTRACT},
    "cmp": {COMPARE, SUBTRACT}, "cmn": {NOTHING, ADD}, "tst": {AND}, "and": {AND}, "ands": {AND}, "orr": {OR}, "eor": {XOR},
    "mov": {NUMBER, OR, ADD, VECTOR}, "movz": {NUMBER}, "movn": {NUMBER}, "movk": {INSERT}, "adr": {ADDRESS}, "adrp": {PAGE},
    "madd": {MULTIPLY}, "mul": {MULTIPLY}, "msub": {MULTIPLY}, "mneg": {MULTIPLY}, "smull": {MULTIPLY}, "umull": {MULTIPLY},
    "smaddl": {MULTIPLY}, "umaddl": {MULTIPLY}, "smsubl": {MULTIPLY}, "umsubl": {MULTIPLY}, "lsl": {SHIFT, UNKNOWN},
    "lsr": {SHIFT, UNKNOWN}, "asr": {SHIFT, UNKNOWN}, "sxtw": {EXTEND}, "uxtb": {EXTEND}, "uxth": {EXTEND}, "sxtb": {EXTEND},
    "sxth": {EXTEND}, "ubfiz": {SHIFT, UNKNOWN}, "sbfiz": {SHIFT, UNKNOWN}, "ubfx": {EXTEND, UNKNOWN}, "sbfx": {EXTEND, UNKNOWN},
    "csel": {SELECT}, "csinc": {SELECT}, "csinv": {SELECT}, "csneg": {SELECT}, "cset": {SELECT}, "csetm": {SELECT},
    "cinc": {SELECT}, "cinv": {SELECT}, "cneg": {SELECT}, "svc": {KERNEL}, "nop": {NOTHING}, "bti": {NOTHING},
    "paciasp": {NOTHING}, "autiasp": {NOTHING}, "dmb": {NOTHING}, "ccmp": {NOTHING}, "ccmn": {NOTHING},
    "mvn": {UNKNOWN}, "bic": {UNKNOWN}, "orn": {UNKNOWN}, "udiv": {UNKNOWN}, "sdiv": {UNKNOWN}, "bfi": {UNKNOWN},
    "bfxil": {UNKNOWN}, "extr": {UNKNOWN}, "rev": {UNKNOWN}, "clz": {UNKNOWN}, "rbit": {UNKNOWN}, "umulh": {UNKNOWN},
    "smulh": {UNKNOWN}, "adc": {UNKNOWN}, "adcs": {UNKNOWN}, "sbc": {UNKNOWN}, "sbcs": {UNKNOWN}, "ror": {UNKNOWN},
    "prfm": {NOTHING}, "swp": {EXCHANGE}, "cas": {EXCHANGE},
}
STORES = ("str", "stp", "stnp", "stur", "sttr", "stxr", "stlxr", "stlr", "stxp", "stlxp", "stllr")
LOADS = ("ldr", "ldp", "ldnp", "ldur", "ldtr", "ldxr", "ldaxr", "ldar", "ldpsw", "ldxp", "ldaxp", "ldapr")
NO_REGISTER, SP = 255, 31
SIZES = {"b": 1, "h": 2, "s": 4, "w": 4, "d": 8, "x": 8, "q": 16}
NO_DESTINATION = {NOTHING, COMPARE, STORE, UPDATE, EXCHANGE, KERNEL}


def number_of(register):
    """(size letter, number) of x3, w3, sp, xzr, d0..."""
    if register in ("sp", "wsp"):
        return "x", SP
    if register in ("xzr", "wzr"):
        return register[0], NO_REGISTER
    found = re.fullmatch(r"([bhsdqxw])(\d+)", register)
    return (found[1], int(found[2])) if found else None


def stem(mnemonic, names):
    """The name of which the mnemonic is a form with a size: ldrsb of ldr."""
    return max((name for name in names if re.fullmatch(name + r"(s?[bhw])?", mnemonic)), key=len, default=None)


def check_access(mnemonic, operands, told, is_load):
    """What is wrong with a load or store."""
    flow, _, operation, vector, rd, rn, rm, ra, size, mode, immediate = told
    registers = operands.split("[")[0].replace(" ", "").rstrip(",").split(",")
    status = mnemonic.startswith(("stxr", "stlxr", "stxp", "stlxp"))
    first = number_of(registers[1 if status else 0])
    if first is None:
        return "?"
    is_vector = first[0] in "bhsdq"
    wanted = VECTOR if is_vector else LOAD if is_load else STORE
    if operation != wanted or (is_vector and vector != (VECTOR_LOAD if is_load else VECTOR_STORE)):
        return "operation"
    if rd != first[1]:
        return "first register"
    bytes_named = {"b": 1, "h": 2}.get(mnemonic[-1]) if not is_vector else None
    bytes_named = 4 if mnemonic.endswith("sw") else bytes_named or SIZES[first[0]]
    if size != bytes_named:
        return "size"
    memory = re.search(r"\[(\w+)(?:, #(-?(?:0x)?[0-9a-f]+))?\](!)?(?:, #(-?(?:0x)?[0-9a-f]+))?", operands)
    if not memory:
        return None
    offset = int(memory[2] or memory[4] or "0", 0)
    wanted_mode = 1 if memory[3] else 2 if memory[4] else 0
    if (rn, immediate, mode) != (number_of(memory[1])[1], offset, wanted_mode):
        return "place"
    return None


def check_one(address, mnemonic, operands, told):
    """What the decoder says that objdump does not; None: nothing."""
    flow, displacement, operation, _, rd, *_ = told
    base = mnemonic.split(".")[0]
    wanted = BRANCH if mnemonic.startswith(("b.", "bc.")) else FLOWS.get(mnemonic, NEXT)
    if flow != wanted:
        return "flow"
    if wanted in (BRANCH, JUMP) or mnemonic == "bl":
        target = int(re.findall(r"\b([0-9a-f]+)(?: <|$)", operands)[-1], 16)
        return None if (address + 4 + displacement - target) % 2**64 == 0 else "target"
    if wanted != NEXT:
        return None
    is_load, is_store = stem(mnemonic, LOADS), stem(mnemonic, STORES)
    if (is_load or is_store) and "{" not in operands:
        found = check_access(mnemonic, operands, told, bool(is_load))
        return None if found == "?" else found
    first = operands.split(",")[0].strip()
    register = number_of(first)
    is_general = register is not None and register[0] in "xw"
    if is_general and base in OPERATIONS and operation not in OPERATIONS[base]:
        return "operation"
    if is_general and operation not in NO_DESTINATION and mnemonic not in ("cmp", "cmn", "tst", "msr", "rmif") and rd != register[1]:
        return None if rd == SP and register[1] == NO_REGISTER else "register written"
    return None


def disassemble(path):
    """(address, word, mnemonic, operands) of all code."""
    run = subprocess.Popen(["aarch64-linux-gnu-objdump", "-d", str(path)],
                           stdout=subprocess.PIPE, text=True)
    for line in run.stdout:
        found = LINE.match(line.split("//")[0])
        if found:
            yield int(found[1], 16), int(found[2], 16), found[3], found[4].strip()
    run.wait()


def main():
    printer = pathlib.Path(sys.argv[1]) / "tests/cross/print_instructions"
    checked = undefined = 0
    wrong = collections.Counter()
    for path in sys.argv[2:]:
        found = list(disassemble(path))
        words = b"".join(word.to_bytes(4, "little") for _, word, _, _ in found)
        told = subprocess.run([printer], input=words, stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
        for (address, word, mnemonic, operands), line in zip(found, told, strict=True):
            if mnemonic == ".inst" or operands.startswith("undefined"):
                undefined += 1
                continue
            checked += 1
            what = "no instruction" if line == "-" else check_one(address, mnemonic, operands, [int(n) for n in line.split()])
            if what:
                wrong[what] += 1
                if wrong[what] <= 5:
                    print(f"{pathlib.Path(path).name} {address:x}: {word:08x} {mnemonic} {operands}: {what}: {line}")
    print(f"{checked} instructions, {sum(wrong.values())} told otherwise {dict(wrong)}; {undefined} words are none for objdump")
    return 1 if wrong or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
