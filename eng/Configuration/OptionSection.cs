using System.Text.Json.Nodes;

namespace SseApp.ConfigurationDocs;

/// <summary>One options class. Two classes can share a section, each read by other processes.</summary>
internal sealed record OptionSection(string Name, IReadOnlyList<string> Processes, string Meaning, IReadOnlyList<Option> Options);

/// <summary>One key below a section; an item of a list is <c>n</c>, one of a dictionary <c>name</c>.</summary>
internal sealed record Option(string Key, string Type, string Default, string Range, string Meaning, JsonObject Schema);
