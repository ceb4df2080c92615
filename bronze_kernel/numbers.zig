//! Examines a column of numbers, to choose its smallest encoding.

const std = @import("std");

/// Whether the numbers, `width` bytes each, never decrease.
export fn rises(numbers: [*]const u8, width: usize, count: usize) bool {
    return switch (width) {
        4 => areRising(i32, numbers, count),
        8 => areRising(i64, numbers, count),
        else => unreachable,
    };
}

fn areRising(comptime Number: type, bytes: [*]const u8, count: usize) bool {
    const numbers: [*]align(1) const Number = @ptrCast(bytes);
    if (count < 2) return true;
    for (numbers[0 .. count - 1], numbers[1..count]) |one, next| if (one > next) return false;
    return true;
}

/// Whether there are more than `most` distinct numbers, `width` bytes each. `table` has `slots` entries, a power of
/// two above `most`, all zero.
export fn differ(numbers: [*]const u8, width: usize, count: usize, most: usize, table: [*]u64, slots: usize) bool {
    const places = table[0..slots];
    var found: usize = 0;
    var has_zero = false; // zero looks like an empty slot
    for (0..count) |index| {
        const bytes = numbers[index * width ..][0..width];
        var padded: [8]u8 = @splat(0);
        @memcpy(padded[0..width], bytes);
        const number = std.mem.readInt(u64, &padded, .little);
        var place = std.hash.int(number) & (slots - 1);
        while (places[place] != 0 and places[place] != number) place = (place + 1) & (slots - 1);
        if (places[place] == number and (number != 0 or has_zero)) continue;
        if (found == most) return true;
        places[place] = number;
        has_zero = has_zero or number == 0;
        found += 1;
    }
    return false;
}
