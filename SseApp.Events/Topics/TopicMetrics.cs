using System.Diagnostics.Metrics;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.Events.Topics;

/// <summary>The numbers of the topics that configuration names. They are read when somebody asks; counting them costs nothing more.</summary>
internal sealed partial class TopicMetrics
{
    private readonly TopicMetricsOptions _options;
    private readonly ILogger<TopicMetrics> _logger;
    private readonly Lock _gate = new();

    // All that ever had series: these stay with the exporter. Null: no hub at the moment.
    private readonly Dictionary<string, TopicHub?> _topics = new(StringComparer.Ordinal);
    private bool _isFull;

    public TopicMetrics(SseMeter holder, IOptions<TopicMetricsOptions> options, ILogger<TopicMetrics> logger)
    {
        _options = options.Value;
        _logger = logger;
        if (_options.Patterns.Count == 0)
        {
            return;
        }

        var meter = holder.Meter;
        meter.CreateObservableGauge(MetricNames.TopicSubscribers, () => Measure(static hub => hub.Subscribers), description: "Streams of a topic that configuration names.");
        meter.CreateObservableCounter(MetricNames.TopicEvents, () => Measure(static hub => hub.Rates.Published), description: "Events of a topic that configuration names, at a replica that has subscribers of it.");
        meter.CreateObservableCounter(MetricNames.TopicDeliveries, () => Measure(static hub => hub.Rates.Delivered), description: "Events of a topic that configuration names, once for each stream.");
    }

    public void Add(TopicHub hub)
    {
        if (_options.Patterns.Count == 0 || !_options.Patterns.Any(pattern => TopicPattern.Matches(pattern, hub.Topic)) || TopicName.IsCanary(hub.Topic))
        {
            return;
        }

        lock (_gate)
        {
            if (_topics.Count < _options.MaxTopics || _topics.ContainsKey(hub.Topic))
            {
                _topics[hub.Topic] = hub;
            }
            else if (!_isFull)
            {
                _isFull = true;
                LogFull(_options.MaxTopics, hub.Topic, TopicMetricsOptions.SectionName, nameof(TopicMetricsOptions.Patterns), nameof(TopicMetricsOptions.MaxTopics));
            }
        }
    }

    public void Remove(TopicHub hub)
    {
        lock (_gate)
        {
            if (_topics.GetValueOrDefault(hub.Topic) == hub)
            {
                _topics[hub.Topic] = null;
            }
        }
    }

    private Measurement<long>[] Measure(Func<TopicHub, long> read)
    {
        lock (_gate)
        {
            return [.. _topics.Values.OfType<TopicHub>().Select(hub => new Measurement<long>(read(hub), new KeyValuePair<string, object?>("topic", hub.Topic)))];
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Max} topics have metrics of their own, and that is all that may ({Section}:{MaxSetting}): {Topic} and further ones that match {Section}:{Setting} have none.")]
    private partial void LogFull(int max, string topic, string section, string setting, string maxSetting);
}
