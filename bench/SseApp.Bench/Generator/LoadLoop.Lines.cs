namespace SseApp.Bench.Generator;

/// <content>The connections that publish lines without end.</content>
internal sealed partial class LoadLoop
{
    private const int LinesTogether = 32;

    private void PublishLines(IPublishPlan plan, long now)
    {
        for (var i = 0; i < _linePublishers.Length; i++)
        {
            var publisher = _linePublishers[i];
            if (publisher.Fd < 0)
            {
                publisher.Open(_plan.Target.LinesRequest());
                publisher.Blocked = true;
                publisher.Fd = Libc.Connect(_plan.Target.EndPoints[i % _plan.Target.EndPoints.Count]);
                Libc.Control(_epoll, Libc.Add, publisher.Fd, Libc.In | Libc.Out, LineTag(i));
            }

            while (!publisher.Blocked && publisher.UnderWay + LinesTogether <= plan.Lines && plan.TryTake(now, publisher.Next, out _))
            {
                Sent += publisher.Next.Count;
                publisher.Add(Target.Lines(
                    publisher.Next.Select(sent => (_plan.TopicName(sent.Lane), Payload.Create(sent.Lane.Index, sent.Sequence, _plan.Size)))));
                SendLines(publisher, i);
            }
        }
    }

    private void SendLines(LinePublisher publisher, int index)
    {
        while (!publisher.Unsent.IsEmpty)
        {
            var count = Libc.Send(publisher.Fd, publisher.Unsent);
            if (count == -2)
            {
                EndLines(publisher, "the connection broke");
                return;
            }

            if (count == -1)
            {
                publisher.Blocked = true;
                Libc.Control(_epoll, Libc.Modify, publisher.Fd, Libc.In | Libc.Out, LineTag(index));
                return;
            }

            publisher.Sent(count);
        }
    }

    private void OnLines(int index, int events)
    {
        var publisher = _linePublishers[index];
        if (publisher.Fd < 0)
        {
            return;
        }

        if ((events & Libc.Out) != 0 && (events & (Libc.Error | Libc.HangUp)) == 0)
        {
            publisher.Blocked = false;
            Libc.Control(_epoll, Libc.Modify, publisher.Fd, Libc.In, LineTag(index));
            SendLines(publisher, index);
            return;
        }

        var count = Libc.Receive(publisher.Fd, _buffer);
        if (count is 0 or -2 || (count > 0 && !publisher.Feed(_buffer.AsSpan(0, count), Tally)))
        {
            EndLines(publisher, "the connection ended");
        }
    }

    private void EndLines(LinePublisher publisher, string failure)
    {
        Libc.Reset(publisher.Fd);
        publisher.Fd = -1;
        publisher.Finish(failure, Tally);
    }

    private int LineTag(int index) => ~(_publishers.Length + index);
}
