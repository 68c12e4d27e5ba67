namespace SseApp.ServiceDefaults.Cluster.Operators;

/// <summary>Lists of the operator API are read in pages: what comes after the last one read, in ordinal order.</summary>
public static class Paging
{
    public const int DefaultLimit = 100;
    public const int MaxLimit = 1000;

    public static readonly string Rule = $"'limit' is a whole number from 1 to {MaxLimit}.";

    public static bool IsValid(int limit) => limit is >= 1 and <= MaxLimit;
}
