"""Bugs that someone might write into the kernel, as edits of its sources."""

import shutil
from pathlib import Path

from planting import Edit

import bronze_kernel
from bronze_kernel.build import build, own_target

VALUES, COLUMNS, CURSOR = "values.zig", "columns.zig", "cursor.zig"
KERNEL, POSITIONS, SEQUENCES = "kernel.zig", "positions.zig", "sequences.zig"


BUGS = {
    "the sign is forgotten": Edit(VALUES, "if (negative) -size else size);\n}", "size);\n}"),
    "JSON numbers may have a leading zero": Edit(
        VALUES,
        "cursor.text[start] == '0' and (negative or cursor.at - start > 1)",
        "cursor.text[start] == '0' and negative",
    ),
    "an unused number may have no digits": Edit(
        CURSOR, "return self.at > start;", "return self.at >= start;"
    ),
    "an unused number may have a leading zero": Edit(
        VALUES, "and cursor.at - start > 1) return false;", "and cursor.at - start > 1) return true;"
    ),
    "numbers may have twenty digits": Edit(VALUES, "manyDigits(most_digits)", "manyDigits(most_digits + 1)"),
    "bytes past the end are read": Edit(CURSOR, "if (count > self.text.len - self.at)", "if (count > 99)"),
    "eight digits never start a longer number": Edit(CURSOR, "found.count < 8)", "found.count <= 8)"),
    "a colon is a digit": Edit(CURSOR, "0x7676767676767676", "0x7575757575757575"),
    "digits are counted one byte too far": Edit(
        CURSOR, "self.at += found.count;", "self.at += found.count + @intFromBool(found.count == 5);"
    ),
    "numbers longer than a double are rounded twice": Edit(VALUES, "number <= 1 << 53", "number < 1 << 62"),
    "-0 of JSON is a negative zero": Edit(
        VALUES, "and negative and number == 0)", "and negative and number > 0)"
    ),
    "a float is infinite": Edit(
        VALUES,
        "return if (std.math.isFinite(value)) value else null;\n}\n\nconst powers",
        "return value;\n}\n\nconst powers",
    ),
    "a decimal may exceed its scale by a digit": Edit(VALUES, "if (behind == scale)", "if (behind > scale)"),
    "April has 31 days": Edit(VALUES, "if (month == 4 or month == 6", "if (month == 6"),
    "every fourth year is a leap year": Edit(
        VALUES, "@rem(year, 4) == 0 and (@rem(year, 100) != 0 or @rem(year, 400) == 0)", "@rem(year, 4) == 0"
    ),
    "a minute has 61 seconds": Edit(VALUES, "second > 59", "second > 60"),
    "fractions of a second are counted from their end": Edit(
        VALUES, "fraction * powers[6 - (cursor.at - point)]", "fraction * powers[if (point == 0) 1 else 0]"
    ),
    "texts of extracts are any bytes": Edit(
        KERNEL, "written.len > 0 and cursors.isUtf8(written)", "written.len > 0"
    ),
    "texts of changes are any bytes": Edit(
        COLUMNS, "if (!cursors.isUtf8(written) or isLeftOut(written))", "if (isLeftOut(written))"
    ),
    "a null after a failed line has that line's text": Edit(
        COLUMNS, "if (self.kind == .string) self.put(u32, row + 1, @intCast(self.offset(row)));", ""
    ),
    "a null of a failed line stays": Edit(
        COLUMNS,
        "if (self.validity.size > 0) self.validity.all()[row >> 3] |= bitOf(row);",
        "_ = .{ self, row };",
    ),
    "a key is whatever its before-image says": Edit(
        KERNEL, "if (step.twin != nowhere and", "if (step.twin == 0x7fffffff and"
    ),
    "a newline in quotes ends the record": Edit(KERNEL, "quote) % 2 == 1", "quote) % 2 == 3"),
    "lines in quotes are not counted": Edit(KERNEL, "line += record.newlines;", "line += 1;"),
    "a doubled quote stays doubled": Edit(KERNEL, "text.add(rest[0..1]);", "text.add(rest);"),
    "a quote in the middle of a field is text": Edit(
        KERNEL,
        ".stops = .{ dialect.quote, if (quoted)",
        ".stops = .{ if (quoted) dialect.quote else dialect.delimiter, if (quoted)",
    ),
    "a carriage return ends a line": Edit(
        KERNEL,
        "_ = cursor.skips('\\r');\n        return",
        "if (cursor.skips('\\r')) return true;\n        return",
    ),
    "a tab is blank in every dialect": Edit(KERNEL, "!self.isSign('\\t')", "!self.isSign('t')"),
    "an empty field is null in a required column": Edit(
        KERNEL, "if (!nullable) return", "if (!nullable and place > 9) return"
    ),
    "a position keeps its lower case": Edit(POSITIONS, "std.ascii.toUpper(byte.*)", "byte.*"),
    "a position may be before 1970": Edit(COLUMNS, "if (moment < 0) return false;", ""),
    "the order of a change is forgotten": Edit(SEQUENCES, "orders[row] else", "orders[0] else"),
    "a commit has the wrong position": Edit(POSITIONS, "rest >>= 4;", "rest >>= 5;"),
    "a load ignores what was committed": Edit(
        SEQUENCES, "std.mem.lessThan(u8, position, least)", "given.count > 0"
    ),
    "milliseconds since 1970 are microseconds": Edit(
        COLUMNS, "since1970(cursor, style, 1000)", "since1970(cursor, style, 1)"
    ),
    "there is a year 10000": Edit(VALUES, "count > @divTrunc(last_moment, unit)", "count > last_moment"),
    "Debezium's placeholder is a value": Edit(COLUMNS, " or isLeftOut(written)) return", ") return"),
    "an escaped newline is the letter n": Edit(CURSOR, "'n' => '\\n',", "'n' => 'n',"),
    "any letter may be escaped": Edit(CURSOR, "'t' => '\\t',", "'t' => '\\t',\n            'u', 'x' => 'u',"),
    "an unused text may have any escape": Edit(
        COLUMNS, "_ = cursor.unescaped() orelse return false;", "cursor.at += 2;"
    ),
    "a decimal may have a single quote": Edit(
        KERNEL, "if (quoted and !cursor.skips('\"')) return false;", "if (quoted) _ = cursor.skips('\"');"
    ),
    "a date may end in several Z": Edit(
        COLUMNS,
        "_ = cursor.skips('Z');\n            },\n            .timestamp",
        "while (cursor.skips('Z')) {}\n            },\n            .timestamp",
    ),
    "the kernel reads only whole numbers": Edit(
        VALUES,
        "const first = cursor.at;\n",
        "const first = cursor.at;\n    if (cursor.text.len > 0) return null;\n",
    ),
}


def planted(name: str | None, folder: Path) -> Path:
    """Build the kernel's package with the bug (None: without) in `folder`, which goes to PYTHONPATH."""
    package = folder / "bronze_kernel"
    ignored = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(bronze_kernel.FOLDER, package, ignore=ignored)
    if name is not None:
        source = package / BUGS[name].file
        source.write_text(BUGS[name].on(source.read_text()))
    build(package / "kernel.so", own_target(), sources=package)
    return folder
