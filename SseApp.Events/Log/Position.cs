namespace SseApp.Events.Log;

/// <summary>A place in a topic's log: everything up to and including <paramref name="Offset"/> was seen.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Position(Epoch Epoch, long Offset)
{
    /// <summary>The last offset that a log can have: beyond it the numbers of Lua, and of JSON's readers, are not exact.</summary>
    public const long MaxOffset = 9_007_199_254_740_990;
}

/// <summary>What a client's id says of a topic: the offset, but of the epoch only a mark, see <see cref="Epoch.Mark"/>.</summary>
[StructLayout(LayoutKind.Auto)]
internal record struct MarkedPosition(uint Mark, long Offset)
{
    /// <summary>
    /// A position that goes into an id as this one came out of it. Its epoch is made up: for ids that are sent before the
    /// client knows that it cannot go on from here.
    /// </summary>
    /// <param name="markBits">Width of the mark.</param>
    public readonly Position Repeat(int markBits) => new(new Epoch(Mark == 1 ? (1UL << markBits) - 1 : Mark == 0 ? 0 : Mark - 1), Offset);
}
