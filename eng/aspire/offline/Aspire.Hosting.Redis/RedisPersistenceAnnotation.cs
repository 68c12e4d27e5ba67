using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Redis;

/// <summary>When Redis writes a snapshot to disk.</summary>
internal sealed record RedisPersistenceAnnotation(TimeSpan Interval, long KeysChangedThreshold) : IResourceAnnotation;
