namespace SseApp.Cli.Positions;

/// <summary>Topics as they are typed.</summary>
internal static class TopicNames
{
    /// <exception cref="ToolException">A server would refuse it, too.</exception>
    public static void Check(string name)
    {
        if (!TopicName.IsValid(name))
        {
            throw new ToolException(ExitCode.Usage, "topic", $"'{Output.SafeText.Of(name)}' is no topic. {TopicName.Rule}");
        }
    }
}
