namespace SseApp.ServiceDefaults.Defaults.Lifetime;

internal static class ExceptionText
{
    /// <summary>The message for people: without the parameter, which is the program's business.</summary>
    public static string ForPeople(this Exception exception) => exception.Message.Split(" (Parameter ")[0];
}
