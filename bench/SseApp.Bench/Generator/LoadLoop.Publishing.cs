namespace SseApp.Bench.Generator;

/// <content>The connections that publish.</content>
internal sealed partial class LoadLoop
{
    private long Publish(IPublishPlan? plan, long now)
    {
        if (plan is null)
        {
            return long.MaxValue;
        }

        if (plan.Lines > 0)
        {
            PublishLines(plan, now);
            return long.MaxValue;
        }

        for (var i = 0; i < _publishers.Length; i++)
        {
            var publisher = _publishers[i];
            if (publisher.Busy)
            {
                if (publisher.Fd < 0 && now >= publisher.Since)
                {
                    Connect(publisher, i, now);
                }

                continue;
            }

            if (!plan.TryTake(now, publisher.Events, out var due))
            {
                return due;
            }

            Sent += publisher.Events.Count(sent => sent.Sequence > 0);
            publisher.Begin(_plan.Target.PublishRequest(
                [.. publisher.Events.Select(sent => (_plan.TopicName(sent.Lane), Payload.Create(sent.Lane.Index, sent.Sequence, _plan.Size)))]));
            if (publisher.Fd < 0)
            {
                Connect(publisher, i, now);
            }
            else
            {
                Send(publisher, i);
            }
        }

        return long.MaxValue;
    }

    private void Connect(PublishClient publisher, int index, long now)
    {
        publisher.Connected = false;
        publisher.Since = now;
        publisher.Fd = Libc.Connect(_plan.Target.EndPoints[(index + publisher.Attempt) % _plan.Target.EndPoints.Count]);
        Libc.Control(_epoll, Libc.Add, publisher.Fd, Libc.In | Libc.Out, ~index);
    }

    private void Send(PublishClient publisher, int index)
    {
        while (!publisher.Unsent.IsEmpty)
        {
            var count = Send(publisher, publisher.Unsent.Span);
            if (count == -2)
            {
                Broken(publisher);
                return;
            }

            if (count == -1)
            {
                Libc.Control(_epoll, Libc.Modify, publisher.Fd, Libc.In | Libc.Out, ~index);
                return;
            }

            publisher.Unsent = publisher.Unsent[count..];
        }
    }

    private void OnPublisher(PublishClient publisher, int index, int events)
    {
        if (publisher.Fd < 0)
        {
            return;
        }

        var failed = (events & (Libc.Error | Libc.HangUp)) != 0;
        if (_plan.Target.Tls is { } tls && !failed && (publisher.Tls == 0 || publisher.Shaking))
        {
            if (publisher.Tls == 0 && (events & Libc.Out) == 0)
            {
                return;
            }

            if (Shake(tls, publisher, http2: false, ~index) is var shaken and not 1)
            {
                if (shaken == 0)
                {
                    Broken(publisher);
                }

                return;
            }

            events = Libc.Out;
        }

        if ((events & Libc.Out) != 0 && !failed)
        {
            publisher.Connected = true;
            Libc.Control(_epoll, Libc.Modify, publisher.Fd, Libc.In, ~index);
            Send(publisher, index);
            return;
        }

        var count = Receive(publisher);
        if (count is 0 or -2)
        {
            Broken(publisher);
        }
        else if (count > 0 && publisher.Busy)
        {
            publisher.Feed(_buffer.AsSpan(0, count), Tally);
            if (publisher is { Busy: false, Closing: true })
            {
                Broken(publisher);
            }
        }
    }

    private void Broken(PublishClient publisher)
    {
        Libc.Reset(publisher.Fd);
        publisher.Fd = -1;
        FreeTls(publisher);
        publisher.Attempt++;
        if (publisher is { Busy: true, Connected: false } && _plan.Target.EndPoints.Count > 1)
        {
            // Nobody there, so nobody has it: to the next address with it.
            publisher.Since = Payload.Now + ElsewhereMicroseconds;
        }
        else if (publisher.Busy)
        {
            publisher.Finish(good: false, "the connection broke before the answer", Tally);
        }
    }
}
