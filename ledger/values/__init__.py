"""Energy, time and money: the only arithmetic on quantities. Exact, pure, without a clock."""
