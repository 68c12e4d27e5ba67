namespace SseApp.Events.Publishing;

/// <summary>
/// Finds objects that have a member twice, at any depth. Not by JsonDocumentOptions.AllowDuplicateProperties: for an object
/// of thousands of members that takes time by the square of their number.
/// </summary>
internal sealed class RepeatedNames
{
    private readonly HashSet<Name> _names = [];
    private readonly List<int> _open = [];

    /// <param name="json">Valid JSON.</param>
    /// <exception cref="InvalidOperationException">A name is not Unicode.</exception>
    public bool AreIn(ReadOnlyMemory<byte> json)
    {
        _names.Clear();
        _open.Clear();
        var objects = 0;
        var reader = new Utf8JsonReader(json.Span);
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    _open.Add(objects++);
                    break;
                case JsonTokenType.EndObject:
                    _open.RemoveAt(_open.Count - 1);
                    break;
                case JsonTokenType.PropertyName:
                    if (!_names.Add(new Name(_open[^1], Read(reader, json))))
                    {
                        return true;
                    }

                    break;
            }
        }

        return false;
    }

    private static ReadOnlyMemory<byte> Read(in Utf8JsonReader reader, ReadOnlyMemory<byte> json)
    {
        if (!reader.ValueIsEscaped)
        {
            return json.Slice((int)reader.TokenStartIndex + 1, reader.ValueSpan.Length);
        }

        var name = new byte[reader.ValueSpan.Length];
        return name.AsMemory(0, reader.CopyString(name));
    }

    /// <param name="Owner">Number of the object.</param>
    /// <param name="Text">In UTF-8.</param>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Name(int Owner, ReadOnlyMemory<byte> Text)
    {
        public bool Equals(Name other) => Owner == other.Owner && Text.Span.SequenceEqual(other.Text.Span);

        public override int GetHashCode()
        {
            var hash = default(HashCode);
            hash.Add(Owner);
            hash.AddBytes(Text.Span);
            return hash.ToHashCode();
        }
    }
}
