using System.Reflection;
using Microsoft.AspNetCore.Routing;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Defaults.Http;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Cluster.Operators;

/// <summary>
/// Refuses a parameter that nobody reads, in the query of what operators ask for: <c>permanant=true</c> would end a stream that comes
/// back, and <c>DELETE /topics/news?key=</c> would delete all of a topic where the events of one key were meant. Requests of clients may
/// have parameters of their own, such as those against caches.
/// </summary>
internal static class OperatorQuery
{
    private const int LongestName = 40;

    /// <summary>Says which parameters an endpoint reads from the query by itself; those of its handler are known.</summary>
    public static T Reads<T>(this T endpoint, params string[] names)
        where T : IEndpointConventionBuilder => endpoint.WithMetadata(new QueryNames(names));

    /// <summary>What is wrong, or null.</summary>
    public static string? Problem(HttpContext context)
    {
        if (QueryText.Problem(context.Request.QueryString, static _ => true) is { } notText)
        {
            return $"{notText} Nothing was done.";
        }

        if (context.Request.Query.Count == 0 || context.GetEndpoint() is not RouteEndpoint endpoint)
        {
            return null;
        }

        var handler = endpoint.Metadata.GetMetadata<MethodInfo>();
        var own = endpoint.Metadata.GetMetadata<QueryNames>();
        if (handler is null && own is null)
        {
            return null;
        }

        string[] known =
        [
            .. (handler?.GetParameters() ?? []).Where(parameter => IsText(parameter.ParameterType)).Select(parameter => parameter.Name!)
                .Where(name => endpoint.RoutePattern.GetParameter(name) is null),
            .. own?.Names ?? [],
        ];
        if (context.Request.Query.Keys.FirstOrDefault(name => !known.Contains(name, StringComparer.OrdinalIgnoreCase)) is not { } unknown)
        {
            return null;
        }

        var meant = SettingNames.Similar(unknown, known) is { } similar ? $"; did you mean '{similar}'?" : ".";
        return $"There is no parameter {Shown(unknown)} here{meant} {(known.Length == 0 ? "This takes none." : $"Allowed: {string.Join(", ", known)}.")} Nothing was done.";
    }

    private static bool IsText(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type.IsPrimitive || type == typeof(string) || type == typeof(string[]);
    }

    // A value without its name is a name, and may be a secret.
    private static string Shown(string name) =>
        name.Length is > 0 and <= LongestName && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.') && CredentialText.Hide(name) == name
            ? $"'{name}'"
            : "of this name";

    private sealed record QueryNames(string[] Names);
}
