using System.IO.Enumeration;
using SseApp.ServiceDefaults.Cluster.Protocol;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>A topic name in which <c>*</c> stands for any characters and <c>?</c> for one, as in <c>TopicLog:Overrides</c>.</summary>
internal static class TopicPattern
{
    public const string Rule = $"{TopicName.Rule} '*' stands for any characters and '?' for one.";

    // Every name that fits the rule without them fits it with a letter in their place.
    public static bool IsValid(string pattern) => TopicName.IsValid(pattern.Replace('*', 'x').Replace('?', 'x'));

    /// <remarks>Time is at most the product of both lengths: the matcher does not go back.</remarks>
    public static bool Matches(string pattern, string topic) => FileSystemName.MatchesSimpleExpression(pattern, topic, ignoreCase: false);
}

/// <summary>A setting that is a <see cref="TopicPattern"/>: a rule that can match nothing would count for nothing, and nobody would notice.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class TopicPatternAttribute : ValidationAttribute
{
    public override bool IsValid(object? value) => value is not string { Length: > 0 } pattern || TopicPattern.IsValid(pattern);

    public override string FormatErrorMessage(string name) => $"it cannot match a topic. {TopicPattern.Rule}";
}
