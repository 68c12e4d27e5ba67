using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace SseApp.Fuzz;

/// <summary>
/// The inputs of a target in <c>Corpus/{target}.txt</c>, one a line: printable ASCII as it is, every other byte and the
/// backslash as <c>\xNN</c>.
/// </summary>
internal sealed class Corpus(string target)
{
    // Short ones say the same, and a page of them can be read.
    private const int MaxAdded = 200;

    public string Path { get; } = System.IO.Path.Combine(Folder(), target + ".txt");

    public byte[][] Read() => File.Exists(Path) ? [.. File.ReadAllLines(Path).Select(Unescape)] : [];

    public void Add(IEnumerable<byte[]> inputs)
    {
        var known = File.Exists(Path) ? File.ReadAllLines(Path).ToHashSet(StringComparer.Ordinal) : [];
        var added = inputs.OrderBy(input => input.Length).Select(Escape).Where(known.Add).Take(MaxAdded).ToArray();
        Directory.CreateDirectory(Folder());
        File.AppendAllLines(Path, added);
    }

    public static string Escape(byte[] input)
    {
        var text = new StringBuilder(input.Length);
        foreach (var value in input)
        {
            _ = value is >= 0x20 and < 0x7F and not (byte)'\\' ? text.Append((char)value) : text.Append(CultureInfo.InvariantCulture, $"\\x{value:x2}");
        }

        return text.ToString();
    }

    public static byte[] Unescape(string line)
    {
        var bytes = new List<byte>(line.Length);
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] == '\\')
            {
                bytes.Add(byte.Parse(line.AsSpan(i + 2, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                i += 3;
            }
            else
            {
                bytes.Add((byte)line[i]);
            }
        }

        return [.. bytes];
    }

    // The sources, not the output: what is found belongs into the repository.
    private static string Folder([CallerFilePath] string source = "") => System.IO.Path.Combine(System.IO.Path.GetDirectoryName(source)!, "Corpus");
}
