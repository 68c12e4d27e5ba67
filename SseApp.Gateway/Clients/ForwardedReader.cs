using System.Buffers;

namespace SseApp.Gateway.Clients;

/// <summary>
/// Reads <c>Forwarded</c> (RFC 7239) from its end, the way that trust goes: the last element is of the nearest proxy. What
/// a client wrote before it, such as a quote that is never closed, cannot change how the proxies' own elements are read.
/// </summary>
internal sealed class ForwardedReader(string text)
{
    // Beyond the tokens of the RFC what proxies write without its quotes: [2001:db8::7]:80 and host:80.
    private static readonly SearchValues<char> s_value =
        SearchValues.Create("!#$%&'*+-.^_`|~:[]0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    private int _end = text.Length;

    /// <summary>Takes the last element that was not taken yet.</summary>
    /// <returns>False when there is none, or it breaks the grammar: then nothing to the left of it counts either.</returns>
    public bool TryTake(out ForwardedElement element)
    {
        element = new ForwardedElement("", "", "");
        SkipEmptyElements();
        var any = false;
        while (_end > 0 && text[_end - 1] != ',')
        {
            if (text[_end - 1] == ';')
            {
                // A list of pairs may have empty ones.
                _end--;
            }
            else if (TryTakePair(ref element))
            {
                any = true;
            }
            else
            {
                _end = 0;
                return false;
            }

            SkipSpace();
        }

        return any;
    }

    private bool TryTakePair(ref ForwardedElement element)
    {
        if (!TryTakeValue(out var value) || _end == 0 || text[--_end] != '=')
        {
            return false;
        }

        var name = TakeWord();
        SkipSpace();
        if (name.Length == 0 || (_end > 0 && text[_end - 1] is not (';' or ',')))
        {
            return false;
        }

        // Of two of a kind nobody can say which one is meant.
        switch (name.ToUpperInvariant())
        {
            case "FOR":
                return Set(element.For, element with { For = value }, ref element);
            case "PROTO":
                return Set(element.Proto, element with { Proto = value }, ref element);
            case "HOST":
                return Set(element.Host, element with { Host = value }, ref element);
            default:
                return true;
        }
    }

    private static bool Set(string before, ForwardedElement with, ref ForwardedElement element)
    {
        element = with;
        return before.Length == 0;
    }

    private bool TryTakeValue(out string value)
    {
        if (text[_end - 1] != '"')
        {
            value = TakeWord();
            return value.Length > 0;
        }

        // An opening quote follows "="; within the string a quote follows a backslash.
        var open = _end - 1;
        do
        {
            open = open == 0 ? -1 : text.LastIndexOf('"', open - 1);
        }
        while (open > 0 && text[open - 1] == '\\');

        value = open < 0 ? "" : text[(open + 1)..(_end - 1)].Replace("\\", "", StringComparison.Ordinal);
        _end = Math.Max(open, 0);
        return open >= 0;
    }

    private string TakeWord()
    {
        var last = text.AsSpan(0, _end).LastIndexOfAnyExcept(s_value);
        var word = text[(last + 1).._end];
        _end = last + 1;
        return word;
    }

    private void SkipEmptyElements()
    {
        SkipSpace();
        while (_end > 0 && text[_end - 1] == ',')
        {
            _end--;
            SkipSpace();
        }
    }

    private void SkipSpace()
    {
        while (_end > 0 && text[_end - 1] is ' ' or '\t')
        {
            _end--;
        }
    }
}
