using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace SseApp.ConfigurationDocs;

/// <summary>The summaries of assemblies' XML documentation, as Markdown on one line.</summary>
internal sealed partial class XmlSummaries(IEnumerable<Assembly> assemblies)
{
    private readonly Dictionary<string, string> _texts = assemblies.SelectMany(assembly => XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml")).Descendants("member"))
        .Where(member => member.Element("summary") is not null)
        .ToDictionary(
            member => member.Attribute("name")!.Value,
            member => Spaces().Replace(string.Concat(member.Element("summary")!.Nodes().Select(Markdown)), " ").Trim(),
            StringComparer.Ordinal);

    public string Of(Type type) => SectionPrefix().Replace(Text('T', type), "");

    /// <summary>The summary without a sentence that says no more than the columns of default and range.</summary>
    public string Of(PropertyInfo property) => string.Join(' ', Sentence().Split(Text('P', property.DeclaringType!, property)).Where(sentence => !DefaultOnly().IsMatch(sentence)));

    public string Of(FieldInfo field) => Text('F', field.DeclaringType!, field);

    private string Text(char kind, Type type, MemberInfo? member = null) =>
        _texts.GetValueOrDefault($"{kind}:{type.FullName!.Replace('+', '.')}{(member is null ? "" : $".{member.Name}")}", "");

    private static string Markdown(XNode node) => node switch
    {
        XText text => text.Value,
        XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
        XElement see when see.Attribute("cref") is { } reference => $"`{reference.Value[(reference.Value.LastIndexOf('.') + 1)..]}`",
        XElement element => string.Concat(element.Nodes().Select(Markdown)),
        _ => "",
    };

    [GeneratedRegex(@"\s+", RegexOptions.None, 1000)]
    private static partial Regex Spaces();

    [GeneratedRegex(@"^(Section|Part of section) `\w+`[:.]? ?", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex SectionPrefix();

    [GeneratedRegex(@"(?<=\.) ", RegexOptions.None, 1000)]
    private static partial Regex Sentence();

    [GeneratedRegex(@"^(Default [^:;,]+(; [^:;,]+ to [^:;,]+)?|[^:;]+ to [^:;]+; default [^:;,]+)\.$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex DefaultOnly();
}
